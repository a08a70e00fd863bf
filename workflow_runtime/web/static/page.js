// What all pages share: small DOM words, times that tick, copying, the theme, keys, and the one event stream.

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  return filled(made, attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Markup of the server, which has escaped what is in it.
function parsed(html) {
  const body = new DOMParser().parseFromString(`<!doctype html><body>${html}`, "text/html").body;
  return [...body.childNodes].map((node) => document.importNode(node, true));
}

function parsedRow(html) {
  return parsed(`<table><tbody>${html}</tbody></table>`)[0].rows[0];
}

function lasting(seconds) {
  seconds = Math.max(0, seconds);
  if (seconds < 0.9995) return `${(seconds * 1000).toFixed(0)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return inWords(seconds);
}

function inWords(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const whole = Math.max(0, Math.round(seconds));
  const at = units.findIndex(([size]) => whole >= size);
  if (at < 0) return "0 s";
  const count = Math.floor(whole / units[at][0]);
  const rest = at < 3 ? Math.floor((whole % units[at][0]) / units[at + 1][0]) : 0;
  return `${count} ${units[at][1]}${rest && count < 10 ? ` ${rest} ${units[at + 1][1]}` : ""}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function clock(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function now() {
  return Date.now() / 1000;
}

// Times in the reader's own zone; a day other than today stands before them.
function localise(within = document) {
  const today = new Date().toDateString();
  for (const time of $$("time[data-clock]", within)) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const day = date.toDateString() === today ? "" : `${date.getDate()} ${MONTHS[date.getMonth()]} `;
    time.textContent = day + clock(date);
    time.title = date.toString();
  }
  for (const time of $$("time[data-moment]", within)) {
    const date = new Date(time.dateTime);
    if (date.toDateString() === today) time.textContent = clock(date);
    else time.textContent = `${date.getDate()} ${MONTHS[date.getMonth()]} ${clock(date).slice(0, 5)}`;
    time.title = date.toString();
  }
  tick(within);
}

// The length of a bar on a logarithmic scale from 10 ms to a day, in percent, as the server has it.
function share(seconds) {
  return Math.round(100 * Math.min(1, Math.max(0.02, Math.log10(Math.max(seconds, 0.01) / 0.01) / Math.log10(86400 / 0.01))));
}

// What passes by itself: nothing has to come over the wire for it.
function tick(within = document) {
  const at = now();
  for (const one of $$("[data-ago]", within)) one.textContent = `${inWords(at - one.dataset.ago)} ago`;
  for (const one of $$("[data-since]", within)) one.textContent = inWords(at - one.dataset.since);
  for (const one of $$("[data-bar]", within)) one.setAttribute("width", `${share(at - one.dataset.bar)}%`);
  for (const one of $$("[data-in]", within)) {
    const left = one.dataset.in - at;
    one.textContent = left >= 0.5 ? `in ${inWords(left)}` : "now";
  }
}

async function copy(button, text) {
  await navigator.clipboard.writeText(text);
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1200);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (button) {
    event.preventDefault();
    const from = button.dataset.copyFrom;
    await copy(button, from ? await (await fetch(from)).text() : button.dataset.copy);
    return;
  }
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

function themeSwitch() {
  const themes = ["system", "light", "dark"];
  $("#theme")?.addEventListener("click", (event) => {
    const next = themes[(themes.indexOf(event.target.textContent) + 1) % 3];
    event.target.textContent = next;
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    document.cookie = `workflow_web_theme=${next}; path=/; max-age=31536000; samesite=strict`;
    document.dispatchEvent(new Event("repaint"));
  });
}

const typing = (event) => event.target instanceof Element && event.target.matches("input:not([type=checkbox]), textarea, select");

// keys: {key: what to do}. They are not for somebody who types, or holds a modifier.
function onKeys(keys) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of $$("details.menu[open]")) menu.open = false;
      if (typing(event)) event.target.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    const run = keys[event.key];
    if (run && run(event) !== false) event.preventDefault();
  });
}

// One stream of what changes. The browser comes back by itself when it is cut off.
function follow(url, handlers) {
  const state = $("#live");
  const source = new EventSource(url);
  source.onopen = () => { state.textContent = "live"; state.className = "live on"; };
  source.onerror = () => { state.textContent = "connection lost, trying again"; state.className = "live lost"; };
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  source.addEventListener("end", () => { source.close(); state.textContent = ""; state.className = "live"; });
  source.addEventListener("reload", () => location.reload());
  return source;
}

// What was done is told once, and not again with the next look at the same address.
if (new URLSearchParams(location.search).has("said")) {
  const rest = new URLSearchParams(location.search);
  rest.delete("said");
  history.replaceState(null, "", `${location.pathname}${rest.size ? `?${rest}` : ""}${location.hash}`);
}
themeSwitch();
localise();
setInterval(tick, 1000);
$("#keys")?.addEventListener("click", () => $("#help").showModal());
onKeys({
  "?": () => $("#help").showModal(),
  "/": () => $("input[type=search]")?.select(),
});
