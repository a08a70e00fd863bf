// The timeline of a run: rows that are made only where they are seen, zoom, search, and the line that is chosen.

const ROW = 24;
const MARGIN = 4; // rows that are made beyond those that are seen
const IN = 0.6;
const OUT = 1 / IN;

const pickedKey = () => decodeURIComponent(location.hash.slice(1));

function timelinePage() {
  const data = JSON.parse($("#data").textContent);
  const [view, space, map] = [$("#lines"), $("#space"), $("#map")];
  const book = lineBook(data, changed);
  const clockwork = timeWindow(() => data.end ?? latest(data, book), again);
  let axis = null;
  let queued = false;
  let stale = true; // whether the strip has to be drawn again, too

  function changed() {
    space.style.height = `${book.shown.length * ROW}px`; // before any scrolling to what is new
    again();
  }

  function again() {
    stale = true;
    if (!queued) { queued = true; requestAnimationFrame(render); }
  }

  function scrolled() {
    if (!queued) { queued = true; requestAnimationFrame(render); }
  }

  function render() {
    queued = false;
    const until = clockwork.end();
    const width = Math.max(80, view.clientWidth - namesWidth(space) - 14);
    const gaps = clockwork.folded ? data.gaps.map(([from, to]) => [from, to ?? until, to === null]) : [];
    axis = makeAxis(...(clockwork.range ?? [0, until]), gaps, width);
    renderRows(until);
    if (!stale) return;
    stale = false;
    renderAxis(axis);
    drawMap(map, makeAxis(0, until, gaps, width), book.all(), until, clockwork.range);
    const count = book.filter ? book.shown.length : book.count;
    $("#shown").textContent = `${count.toLocaleString("en")} ${book.filter ? "found" : count === 1 ? "line" : "lines"}`;
  }

  function renderRows(until) {
    const first = Math.max(0, Math.floor(view.scrollTop / ROW) - MARGIN);
    const last = Math.min(book.shown.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + MARGIN);
    const picked = pickedKey();
    const rows = book.shown.slice(first, last).map((line, index) => {
      const state = { axis, end: until, picked: line.k === picked, opened: book.isOpen(line), at: first + index, of: book.shown.length, decided: data.decided };
      const row = drawLine(line, state);
      row.style.top = `${state.at * ROW}px`;
      return row;
    });
    space.replaceChildren(...rows);
    view.setAttribute("aria-activedescendant", picked);
  }

  // Brings the line into what is seen, opening what hides it. It never zooms.
  function reveal(id) {
    if (id && book.at(id) < 0) book.uncover(id);
    const top = book.at(id) * ROW;
    if (top < 0) return again();
    if (top < view.scrollTop) view.scrollTop = Math.max(0, top - ROW);
    else if (top + ROW > view.scrollTop + view.clientHeight) view.scrollTop = top - view.clientHeight + 2 * ROW;
    return again();
  }

  function choose(line) {
    if (!line) return;
    history.replaceState(null, "", `#${line.k}`);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  }

  function move(by) {
    const [at, last] = [book.at(pickedKey()), book.shown.length - 1];
    const start = by > 0 ? -1 : last + 1;
    choose(book.shown[Math.max(0, Math.min(last, (at < 0 ? start : at) + by))]);
  }

  function toggle(line) {
    history.replaceState(null, "", `#${line.k}`);
    book.toggle(line);
  }

  function scale(by) {
    clockwork.scale(by, book.line(pickedKey())?.t[0]);
  }

  function toggleIdle() {
    clockwork.folded = !clockwork.folded;
    $("#idle").setAttribute("aria-pressed", String(clockwork.folded));
    $("#idle").textContent = clockwork.folded ? "idle folded" : "idle shown";
    again();
  }

  function enter(event) {
    const line = book.line(pickedKey());
    if ((!line?.c && !line?.in) || event.target.closest("button, summary, a:not(.r)")) return false;
    book.toggle(line);
    return true;
  }

  function listen() {
    view.addEventListener("scroll", scrolled, { passive: true });
    new ResizeObserver(again).observe(view);
    document.addEventListener("repaint", again);
    view.addEventListener("click", (event) => {
      const line = book.line(event.target.closest(".r")?.id);
      if (!line || !(line.c || event.target.closest(".fold"))) return;
      event.preventDefault();
      if (line.c) toggle(line);
      else book.toggle(line);
    });
    view.addEventListener("dblclick", (event) => { const line = book.line(event.target.closest(".r")?.id); if (line) clockwork.zoomTo(line); });
    view.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); scale(event.deltaY > 0 ? OUT : IN); } }, { passive: false });
    $("#filter").addEventListener("input", (event) => { view.scrollTop = 0; book.search(event.target.value); });
    $("#idle").addEventListener("click", toggleIdle);
    $("#zoom-in").addEventListener("click", () => scale(IN));
    $("#zoom-out").addEventListener("click", () => scale(OUT));
    $("#zoom-all").addEventListener("click", () => clockwork.zoom(0, Infinity));
    window.addEventListener("hashchange", () => reveal(pickedKey()));
    document.addEventListener("move-line", (event) => move(event.detail));
    dragMap(map, clockwork.zoom);
    crossHair(view, space, () => axis, () => book.line(pickedKey()));
    onKeys({
      j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1),
      g: () => choose(book.shown[0]), G: () => choose(book.shown[book.shown.length - 1]), n: () => choose(book.nextFailed(pickedKey())),
      Enter: enter, "[": () => scale(OUT), "]": () => scale(IN), 0: () => clockwork.zoom(0, Infinity), f: toggleIdle,
    });
  }

  space.classList.add("virtual");
  $("#tools").hidden = false;
  $("#idle").hidden = !data.gaps.length && data.end !== null;
  book.flatten();
  render();
  listen();
  if (pickedKey()) reveal(pickedKey());
  if (data.end === null) setInterval(() => { if (!document.hidden && data.end === null) again(); }, 500);

  return (change) => {
    const news = change.timeline;
    if (!news) return;
    Object.assign(data, { gaps: news.gaps, end: news.end, decided: news.decided });
    if (book.apply(news).includes(pickedKey())) window.dispatchEvent(new Event("refresh-panel"));
  };
}

const namesWidth = (space) => parseFloat(getComputedStyle(space).getPropertyValue("--names"));

// Where the time axis of a run that goes on ends: now, or later if the clocks differ.
function latest(data, book) {
  let last = (now() - data.origin) * 1000;
  for (const line of book.all()) last = Math.max(last, line.t[1] ?? line.t[0]);
  return last;
}

// The part of the run that is looked at: range is null for all of it.
function timeWindow(end, onChange) {
  const made = { range: null, folded: true, end };
  made.zoom = (from, to) => {
    const wide = Math.max(1, to - from);
    const until = end();
    made.range = wide >= until ? null : [Math.max(0, Math.min(from, until - wide)), Math.min(until, Math.max(to, wide))];
    onChange();
  };
  made.scale = (by, around) => {
    const [from, to] = made.range ?? [0, end()];
    const middle = around >= from && around <= to ? around : (from + to) / 2;
    made.zoom(middle - (middle - from) * by, middle + (to - middle) * by);
  };
  made.zoomTo = (line) => {
    const until = line.t[1] ?? end();
    const beside = Math.max(2, (until - line.t[0]) * 0.15);
    made.zoom(line.t[0] - beside, until + beside);
  };
  return made;
}

function renderAxis(axis) {
  const anchor = (x) => (x < 12 ? "start" : x > axis.width - 20 ? "end" : "middle");
  $("#axis").replaceChildren(...axis.ticks().map((tick) => svg("text", { x: tick.x, y: 15, "text-anchor": anchor(tick.x), class: tick.fold ? "folded" : "" }, tick.text)));
}

// A line under the pointer, and the time there; with Alt, how far it is from the chosen line's beginning.
function crossHair(view, space, axisOf, lineOf) {
  const hair = el("div", { class: "hair", hidden: true, "aria-hidden": "true" });
  const told = $("#delta");
  view.after(hair);
  view.addEventListener("pointerleave", () => { hair.hidden = true; told.textContent = ""; });
  view.addEventListener("pointermove", (event) => {
    const axis = axisOf();
    const x = event.clientX - space.getBoundingClientRect().left - namesWidth(space);
    hair.hidden = x < 0 || x > axis.width;
    hair.style.left = `${event.clientX - view.parentElement.getBoundingClientRect().left}px`;
    const [ms, line] = [axis.time(x), lineOf()];
    const text = event.altKey && line ? `Δ ${lasting(Math.abs(ms - line.t[0]) / 1000)} from ${lineName(line)}` : `at ${lasting(ms / 1000)}`;
    told.textContent = hair.hidden ? "" : text;
  });
}
