// The list of runs: rows come and change by themselves.

function runsPage(main) {
  const body = $("#rows");
  let at = -1;

  function apply(change) {
    if (change.counts !== undefined) $("#counts").replaceChildren(...parsed(change.counts));
    if (change.paused !== undefined) $("#paused").replaceChildren(...parsed(change.paused));
    if (change.heading !== undefined) { $("#total").textContent = change.heading; document.title = change.heading; }
    for (const [id, html] of Object.entries(change.rows ?? {})) {
      const row = parsedRow(html);
      localise(row);
      const old = document.getElementById(id);
      if (old) old.replaceWith(row);
      else body.append(row);
    }
    if (change.order) {
      const rows = new Map([...body.rows].map((row) => [row.id, row]));
      if (at >= 0) at = change.order.indexOf(body.rows[at]?.id);
      body.replaceChildren(...change.order.map((id) => rows.get(id)).filter(Boolean));
      if (change.order.length) $(".empty")?.remove();
    }
    mark();
  }

  function mark() {
    for (const [index, row] of [...body.rows].entries()) row.classList.toggle("at", index === at);
  }

  function move(by) {
    if (!body.rows.length) return;
    at = Math.max(0, Math.min(body.rows.length - 1, at + by));
    mark();
    body.rows[at].scrollIntoView({ block: "nearest" });
    $("a", body.rows[at]).focus({ preventScroll: true });
  }

  onKeys({
    j: () => move(1),
    k: () => move(at < 0 ? 1 : -1),
    c: () => { if (at >= 0) { const button = $(".copy", body.rows[at]); copy(button, button.dataset.copy); } },
  });
  follow(main.dataset.live, { change: apply });
}

if ($(".list[data-live]")) runsPage($(".list[data-live]"));
