// The lines of a run: which there are, which are open, and which of them are shown. onNews is called when what is shown has changed.

function lineBook(data, onNews) {
  const byKey = new Map(data.lines.map((line) => [line.k, line]));
  const opened = new Set(); // folded lines whose members are shown
  const closed = new Set(); // children that are not shown in place
  const book = { shown: [], count: data.lines.length, filter: "" };
  let order = data.lines.map((line) => line.k);

  const prefixOf = (id) => (id.includes("/") ? `${id.split("/")[0]}/` : "");
  const fits = (line) => `${lineName(line)} ${line.d ?? ""} ${line.k} ${line.s} ${line.e ?? ""}`.toLowerCase().includes(book.filter);

  function flatten() {
    book.shown = [];
    book.count = order.length;
    let hidden = null;
    for (const id of order) {
      const line = byKey.get(id);
      if (hidden && id.startsWith(hidden)) continue;
      hidden = line.in && closed.has(id) ? `${line.r}/` : null;
      if (!book.filter || fits(line)) book.shown.push(line);
      if (!line.c || !(opened.has(id) || book.filter)) continue;
      for (const one of memberLines(line, prefixOf(id))) if (!book.filter || (one.d && fits(one))) book.shown.push(one);
    }
    onNews();
  }

  // What a folded line leaves out of its members.
  async function fetchMembers(line) {
    const run = prefixOf(line.k).slice(0, -1) || data.id;
    const found = await fetch(`${run}/members/${membersOf(line)[0].key}?count=${line.c}`);
    if (!found.ok) return;
    line.details = await found.json();
    flatten();
  }

  function open(line) {
    opened.add(line.k);
    fetchMembers(line);
  }

  function toggle(line) {
    if (line.in) {
      if (!closed.delete(line.k)) closed.add(line.k);
    } else if (!opened.delete(line.k)) open(line);
    flatten();
  }

  // Opens what hides the line.
  function uncover(id) {
    const isIn = (line) => membersOf(line).some((one) => prefixOf(line.k) + one.key === id);
    for (const line of byKey.values()) {
      if (line.in && id.startsWith(`${line.r}/`)) closed.delete(line.k);
      if (line.c && !opened.has(line.k) && isIn(line)) open(line);
    }
    flatten();
  }

  function nextFailed(id) {
    const at = book.at(id);
    const isBad = (line) => line.s === "failed" || line.s === "retrying";
    const found = [...book.shown.slice(at + 1), ...book.shown.slice(0, at + 1)].find(isBad);
    if (!found?.c || opened.has(found.k)) return found;
    open(found);
    flatten();
    return memberLines(found, prefixOf(found.k)).find(isBad);
  }

  // Takes in what has changed; gives the keys of those lines.
  function apply(news) {
    const added = [];
    for (const line of news.lines) {
      const old = byKey.get(line.k);
      if (!old) added.push(line.k);
      else if (old.c === line.c) line.details = old.details;
      byKey.set(line.k, line);
      if (line.c && opened.has(line.k)) fetchMembers(line);
    }
    order = news.order ?? [...order, ...added];
    const kept = new Set(order);
    for (const id of byKey.keys()) if (!kept.has(id)) byKey.delete(id);
    flatten();
    return news.lines.map((line) => line.k);
  }

  return Object.assign(book, {
    line: (id) => book.shown[book.at(id)],
    at: (id) => book.shown.findIndex((line) => line.k === id),
    all: () => byKey.values(),
    isOpen: (line) => (line.c ? opened.has(line.k) : !closed.has(line.k)),
    search: (text) => { book.filter = text.trim().toLowerCase(); flatten(); },
    flatten, toggle, uncover, nextFailed, apply,
  });
}
