// From time to place, and back. Long idle times are folded to a few pixels; the rest is linear.

const FOLDED = 64;
const OPEN_SHARE = 0.38;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];

// All times are ms since the run began. gaps: [[begin, end], …], in order.
function makeAxis(from, to, gaps, width) {
  const inside = gaps.map(([a, b, isNow]) => [Math.max(a, from), Math.min(b, to), isNow]).filter(([a, b]) => b - a > 0);
  const whole = inside.length === 1 && inside[0][0] <= from && inside[0][1] >= to;
  const folded = whole ? [] : inside;
  // What goes on now gets room: it is what one came to see.
  const open = folded.some(([, , isNow]) => isNow) ? width * OPEN_SHARE : 0;
  const each = folded.length ? Math.min(FOLDED, (width * 0.3) / folded.length) : 0;
  const folds = folded.reduce((sum, [, , isNow]) => sum + (isNow ? open : each), 0);
  const idle = folded.reduce((sum, [a, b]) => sum + b - a, 0);
  const perMs = (width - folds) / Math.max(1, to - from - idle);
  const segments = [];
  let at = from;
  let x = 0;
  function add(end, isFold, isNow) {
    const wide = isNow ? open : isFold ? each : (end - at) * perMs;
    segments.push({ a: at, b: end, x0: x, x1: x + wide, fold: isFold, isNow });
    at = end;
    x += wide;
  }
  for (const [a, b, isNow] of folded) {
    if (a > at) add(a, false);
    add(b, true, isNow);
  }
  if (at < to || !segments.length) add(Math.max(to, at + 1), false);

  function place(ms) {
    for (const one of segments) {
      if (ms <= one.b) return one.x0 + ((ms - one.a) / (one.b - one.a || 1)) * (one.x1 - one.x0);
    }
    const last = segments[segments.length - 1];
    return last.x1 + (ms - last.b) * perMs;
  }

  function time(px) {
    const one = segments.find((segment) => px <= segment.x1) ?? segments[segments.length - 1];
    return one.a + ((px - one.x0) / (one.x1 - one.x0 || 1)) * (one.b - one.a);
  }

  function ticks() {
    const step = STEPS.find((size) => size * perMs >= 84) ?? STEPS[STEPS.length - 1];
    const found = [];
    for (const one of segments) {
      if (one.fold) {
        found.push({ x: (one.x0 + one.x1) / 2, text: `${inWords((one.b - one.a) / 1000)} idle`, fold: true });
        if (one.isNow) found.push({ x: one.x1, text: "now", fold: true, isNow: true });
        continue;
      }
      for (let at = Math.ceil(one.a / step) * step; at <= one.b; at += step) {
        const px = place(at);
        const before = found[found.length - 1];
        if (!before || px - before.x > (before.fold ? 50 : 60)) found.push({ x: px, text: tickText(at, step), fold: false });
      }
    }
    const last = found[found.length - 1];
    if (last && width - last.x > 76 && !last.isNow) found.push({ x: width, text: lasting(to / 1000), fold: false });
    return found;
  }
  return { from, to, width, segments, place, time, ticks };
}

function tickText(ms, step) {
  if (ms === 0) return "0";
  if (step < 1000 && ms < 1000) return `${ms} ms`;
  if (step < 60000 && ms < 120000) return `${(ms / 1000).toFixed(step < 100 ? 2 : step < 1000 ? 1 : 0)} s`;
  if (step < 1000) return `${Math.floor(ms / 60000)}:${((ms % 60000) / 1000).toFixed(2).padStart(5, "0")}`;
  if (step < 60000) return `${Math.floor(ms / 60000)}:${String(Math.round((ms % 60000) / 1000)).padStart(2, "0")}`;
  return inWords(ms / 1000);
}
