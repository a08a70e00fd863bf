// The strip above a timeline: how much went on at once, from the beginning to the end, whatever is zoomed to.

const MAP_HEIGHT = 33;
const BUCKET = 2; // pixels

function drawMap(canvas, whole, lines, until, range) {
  const scale = devicePixelRatio || 1;
  canvas.style.width = `${whole.width}px`;
  canvas.width = whole.width * scale;
  canvas.height = MAP_HEIGHT * scale;
  canvas.whole = whole;
  const paint = canvas.getContext("2d");
  paint.scale(scale, scale);
  const colours = mapColours(canvas);
  drawBusy(paint, countBusy(whole, lines, until), colours);
  if (range) drawRange(paint, whole, range, colours);
}

function countBusy(whole, lines, until) {
  const count = Math.floor(whole.width / BUCKET);
  const [busy, waits, bad] = [0, 0, 0].map(() => new Array(count).fill(0));
  const bucket = (ms) => Math.max(0, Math.min(count - 1, Math.floor(whole.place(ms) / BUCKET)));
  const add = (into, from, to) => { for (let at = bucket(from); at <= bucket(to ?? until); at += 1) into[at] += 1; };
  for (const line of lines) {
    for (const one of line.c ? membersOf(line) : []) {
      add(busy, one.from, one.until);
      if (one.state === "f") add(bad, one.from, one.until);
    }
    for (const [what, from, to] of line.a ?? []) {
      if ("orfx".includes(what)) add(busy, from, to);
      if ("whb".includes(what)) add(waits, from, to);
      if (what === "f") add(bad, from, to);
    }
  }
  return { busy, waits, bad };
}

function drawBusy(paint, { busy, waits, bad }, colours) {
  const most = Math.max(1, ...busy);
  for (let at = 0; at < busy.length; at += 1) {
    const bar = (colour, y, height) => { paint.fillStyle = colour; paint.fillRect(at * BUCKET, y, BUCKET, height); };
    if (waits[at]) bar(colours.wait, MAP_HEIGHT - 2, 2);
    if (!busy[at]) continue;
    const height = 5 + (MAP_HEIGHT - 12) * (Math.log1p(busy[at]) / Math.log1p(most));
    bar(colours.ok, MAP_HEIGHT - 3 - height, height);
    if (bad[at]) bar(colours.bad, MAP_HEIGHT - 3 - height, Math.max(3, (height * bad[at]) / busy[at]));
  }
}

function drawRange(paint, whole, range, colours) {
  const [from, to] = range.map((ms) => whole.place(ms));
  paint.globalAlpha = 0.28;
  paint.fillStyle = colours.shade;
  paint.fillRect(0, 0, from, MAP_HEIGHT);
  paint.fillRect(to, 0, whole.width - to, MAP_HEIGHT);
  paint.globalAlpha = 1;
  paint.fillStyle = colours.edge;
  paint.fillRect(from - 1, 0, 1.5, MAP_HEIGHT);
  paint.fillRect(to, 0, 1.5, MAP_HEIGHT);
}

// A canvas knows no variables of the style sheet: what they come to is asked of an element that has them.
function mapColours(canvas) {
  const found = {};
  const probe = canvas.parentElement.appendChild(el("span", { hidden: true }));
  for (const [name, variable] of [["ok", "--ok-bar"], ["bad", "--bad-bar"], ["wait", "--wait-bar"], ["shade", "--idle"], ["edge", "--run"]]) {
    probe.style.color = `var(${variable})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

function dragMap(canvas, zoom) {
  let from = null;
  const time = (event) => canvas.whole.time(Math.max(0, Math.min(canvas.whole.width, event.clientX - canvas.getBoundingClientRect().left)));
  canvas.addEventListener("pointerdown", (event) => { from = time(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = time(event);
    if (Math.abs(canvas.whole.place(to) - canvas.whole.place(from)) > 4) zoom(Math.min(from, to), Math.max(from, to));
  });
  canvas.addEventListener("pointerup", () => { from = null; });
  canvas.addEventListener("dblclick", () => zoom(0, Infinity));
}
