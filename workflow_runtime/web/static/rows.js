// One line of the timeline: what it is called, and its bar.

const KINDS = { hook: "hook ", webhook: "webhook ", child: "run ", watch: "await " };

function lineName(line) {
  return line.g === "wait" ? "sleep" : line.n;
}

// The words of a line, also for those who hear it.
function lineLabel(line, end) {
  const parts = [(KINDS[line.g] ?? "") + lineName(line) + (line.c ? ` × ${line.c}` : ""), line.d, line.s];
  if (line.x) parts.push(`${line.x} attempts`);
  if (line.f) parts.push(`${line.f} failed`);
  parts.push(tookText(line, end), line.e);
  return parts.filter(Boolean).join(", ");
}

function tookText(line, end) {
  return lasting(((line.t[1] ?? end) - line.t[0]) / 1000);
}

function notes(line) {
  if (line.x) return `${line.x} attempts`;
  if (line.f) return `${line.f} failed`;
  return "";
}

function drawLine(line, state) {
  const { axis, end, picked, opened } = state;
  const fold = line.c || line.in
    ? el("button", { class: "fold", tabindex: "-1", "data-fold": line.k, "aria-label": opened ? "Fold" : "Open", "aria-expanded": String(opened) }, opened ? "▾" : "▸")
    : null;
  const row = el("a", {
    class: `r${line.p ? " p" : ""}${picked ? " at" : ""}${line.f ? " failed" : ""}`,
    id: line.k,
    role: "option",
    tabindex: "-1",
    "aria-selected": String(picked),
    "aria-label": lineLabel(line, end),
    "aria-posinset": state.at + 1,
    "aria-setsize": state.of,
    href: `#${line.k}`,
  },
  el("span", { class: "names" },
    el("i", { class: `b${line.b ?? ""}` }),
    el("i", { class: `g ${line.s}` }),
    fold,
    el("span", { class: "n", title: lineName(line) + (line.d ? ` ${line.d}` : "") }, line.g in KINDS ? el("span", { class: "kind" }, KINDS[line.g]) : "", lineName(line), line.c ? ` × ${line.c.toLocaleString("en")}` : "", line.d ? el("span", { class: "d" }, ` ${line.d}`) : ""),
    el("span", { class: "x" }, notes(line)),
    el("span", { class: "t" }, tookText(line, end))),
  drawBar(line, axis, end, state.decided));
  return row;
}

function drawBar(line, axis, end, decided) {
  const bar = svg("svg", { "aria-hidden": "true" });
  for (const tick of axis.ticks()) if (!tick.fold) bar.append(svg("line", { class: "grid", x1: tick.x, x2: tick.x, y1: 0, y2: 24 }));
  if (line.c) drawCrowd(bar, line, axis, end);
  else for (const piece of line.a) drawPiece(bar, piece, axis, end);
  for (const at of line.m ?? []) bar.append(svg("line", { class: "tick", x1: axis.place(at), x2: axis.place(at), y1: 5, y2: 19 }));
  for (const one of axis.segments) {
    if (!one.fold) continue;
    const zig = `M${(one.isNow ? one.x0 + 30 : (one.x0 + one.x1) / 2).toFixed(1)} -2l3 4-6 4 6 4-6 4 6 4-6 4 6 4`;
    bar.append(svg("path", { class: "gap", d: zig }), svg("path", { class: "zig", d: zig }));
  }
  if (decided !== null && decided !== undefined) bar.append(svg("line", { class: "decided", x1: axis.place(decided), x2: axis.place(decided), y1: 0, y2: 24 }));
  const [left, right] = [line.t[0] > axis.to, (line.t[1] ?? end) < axis.from];
  if (left || right) bar.append(svg("text", { class: "off", y: 16, x: left ? axis.width - 4 : 4, "text-anchor": left ? "end" : "start" }, left ? "→" : "←"));
  else drawText(bar, line, axis, end);
  return bar;
}

function drawPiece(bar, [what, from, until], axis, end) {
  const x = axis.place(from);
  const wide = Math.max(what === "q" ? 0 : 2, axis.place(until ?? end) - x);
  if (x > axis.width || x + wide < 0) return;
  const thin = what === "q";
  const open = until === null && "whr".includes(what);
  const shape = svg("rect", { class: open ? "" : `k-${what}`, x, width: wide, y: thin ? 11.5 : 6.5, height: thin ? 1 : 11, rx: thin ? 0 : 2 });
  if (what === "b" || what === "x") shape.setAttribute("fill", "url(#hatch)");
  if (what === "b") shape.setAttribute("y", 9.5), shape.setAttribute("height", 5);
  if (open) shape.setAttribute("fill", `url(#fade-${what === "r" ? "r" : "w"})`);
  if (open && what === "h") bar.append(svg("path", { class: "k-h", d: `M${x + wide} 6.5H${x}v11H${x + wide}` }));
  bar.append(shape);
  if (what === "f") {
    const right = Math.max(x + 7, x + wide - 1);
    bar.append(svg("path", { class: "cross", d: `M${right - 6} 9l6 6m0-6l-6 6` }));
  }
}

// How many of a folded line went on at once.
function drawCrowd(bar, line, axis, end) {
  const [from, until] = [axis.place(line.t[0]), axis.place(line.t[1] ?? end)];
  const count = Math.max(1, Math.min(160, Math.ceil((until - from) / 2)));
  const each = Math.max(2, until - from) / count;
  const heights = new Array(count).fill(0);
  const members = membersOf(line);
  for (const one of members) {
    const a = Math.floor((axis.place(one.from) - from) / each);
    const b = Math.floor((axis.place(one.until ?? end) - from) / each);
    for (let at = Math.max(0, a); at <= Math.min(count - 1, b); at += 1) heights[at] += 1;
  }
  const most = Math.max(1, ...heights);
  const steps = heights.map((height, at) => `L${(from + at * each).toFixed(1)} ${(20 - (16 * height) / most).toFixed(1)}h${each.toFixed(1)}`).join("");
  bar.append(svg("path", { class: `area ${line.s === "failed" ? "completed" : line.s}`, d: `M${from.toFixed(1)} 20${steps}L${(from + count * each).toFixed(1)} 20z` }));
  for (const one of members) {
    if (one.state === "f") {
      const x = axis.place(one.until ?? one.from);
      bar.append(svg("path", { class: "cross", d: `M${x - 3} 9l6 6m0-6l-6 6` }));
    }
  }
}

function drawText(bar, line, axis, end) {
  let text = line.e ?? "";
  if (line.st && !text) text = `min ${lasting(line.st[0] / 1000)} · median ${lasting(line.st[1] / 1000)} · max ${lasting(line.st[2] / 1000)}`;
  if (line.u !== undefined) text = `due in ${inWords((line.u - end) / 1000)}${text ? `, ${text}` : ""}`;
  if (!text) return;
  const right = Math.max(0, axis.place(line.t[1] ?? end));
  const left = axis.place(line.t[0]);
  const room = [Math.max(0, axis.width - right - 10), Math.max(0, left - 8)];
  const needs = text.length * 6.1;
  const before = room[0] < Math.min(needs, 150) && room[1] > room[0];
  const fits = Math.floor(room[before ? 1 : 0] / 6.1);
  if (fits < 8) return;
  const shown = text.length <= fits ? text : `${text.slice(0, fits - 1)}…`;
  bar.append(svg("text", {
    y: 16, x: before ? left - 8 : right + 8, "text-anchor": before ? "end" : "start",
    class: line.s === "failed" || line.s === "retrying" ? "bad" : "",
  }, svg("title", {}, text), shown));
}

// The members of a folded line, out of its differences.
function membersOf(line) {
  if (line.members) return line.members;
  let [number, from] = [0, 0];
  line.members = line.i.map((step, at) => {
    number += step;
    from += line.ts[at];
    return { key: `${line.j}_${String(number).padStart(6, "0")}`, from, until: line.ds[at] < 0 ? null : from + line.ds[at], state: line.z[at] };
  });
  return line.members;
}

const STATES = { c: "completed", f: "failed", r: "running", w: "retrying", q: "queued", x: "cancelled" };
const BARS = { c: "o", f: "f", r: "r", w: "b", q: "q", x: "x" };

function memberLines(line, prefix) {
  return membersOf(line).map((one, at) => {
    const [detail, attempts, error, pieces] = line.details?.[at] ?? [];
    return {
      k: prefix + one.key, g: "step", n: line.n, d: detail, s: STATES[one.state], p: 1, t: [one.from, one.until], e: error,
      x: attempts > 1 ? attempts : undefined, a: pieces ?? [[BARS[one.state], one.from, one.until]], member: line.k,
    };
  });
}
