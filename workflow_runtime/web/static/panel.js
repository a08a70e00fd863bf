// The page of one run: the panel beside the timeline or the graph, and what comes while the run goes on.

function panelOf(main) {
  const panel = $("#panel");
  let wanted = "";

  async function show() {
    const id = pickedKey();
    wanted = id;
    if (!id || id.endsWith("+")) {
      $("#own").hidden = false;
      $("#picked").hidden = true;
      return;
    }
    const [run, row] = id.includes("/") ? id.split("/") : [main.dataset.run, id];
    const found = await fetch(`${encodeURIComponent(run)}/at/${encodeURIComponent(row)}`, { headers: { "x-part": "1" } });
    if (wanted !== id || !found.ok) return;
    const open = $$("details", $("#picked")).map((one) => one.open);
    const same = $("#picked").dataset.key === id;
    $("#picked").replaceChildren(...parsed(await found.text()));
    $("#picked").dataset.key = id;
    if (same) for (const [at, one] of $$("details", $("#picked")).entries()) one.open = open[at] ?? one.open;
    localise($("#picked"));
    $("#own").hidden = true;
    $("#picked").hidden = false;
    for (const one of $$("a[data-pick]")) one.toggleAttribute("aria-current", one.dataset.pick === id);
  }

  function close() {
    history.pushState(null, "", location.pathname + location.search);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  }

  function resize() {
    const grip = $("#grip");
    const set = (wide) => { panel.style.width = `${Math.max(240, Math.min(innerWidth * 0.7, wide))}px`; document.dispatchEvent(new Event("repaint")); };
    grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
    grip.addEventListener("pointermove", (event) => { if (grip.hasPointerCapture(event.pointerId)) set(innerWidth - event.clientX); });
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: 20, ArrowRight: -20 }[event.key];
      if (by) { event.preventDefault(); event.stopPropagation(); set(panel.offsetWidth + by); }
    });
  }

  document.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick && !event.ctrlKey && !event.metaKey) { event.preventDefault(); location.hash = pick.dataset.pick; }
    if (event.target.closest("[data-close]")) close();
    const step = event.target.closest("[data-step]");
    if (step) document.dispatchEvent(new CustomEvent("move-line", { detail: Number(step.dataset.step) }));
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && pickedKey() && !typing(event)) close(); });
  window.addEventListener("hashchange", show);
  window.addEventListener("refresh-panel", show);
  onKeys({ c: () => { const button = (pickedKey() && $("#picked-id")) || $("#run-id"); copy(button, button.dataset.copy); } });
  resize();
  if (pickedKey()) show();
}

function runPage(main) {
  const handlers = [];
  if (main.dataset.view === "streams" && $("#tail")) handlers.push(streamPage());
  if ($("#data")) handlers.push(timelinePage());
  if ($("#panel")) panelOf(main);

  function apply(change) {
    for (const [part, target] of [["head", "#head"], ["notice", "#notice"], ["graph", "#graph"], ["values", "#own"]]) {
      if (change[part] === undefined || !$(target)) continue;
      $(target).replaceChildren(...parsed(change[part]));
      localise($(target));
    }
    if (change.events) { $("#event-count").textContent = change.events.toLocaleString("en"); $("#more-events")?.removeAttribute("hidden"); }
    if (change.state) document.title = document.title.replace(/\S+$/, change.state);
    if (change.acts) swapActs();
    if (change.streams) location.reload();
    for (const handle of handlers) handle(change);
  }

  // What can be done changes with the run; its forms carry a secret of this browser, so they come with the page.
  async function swapActs() {
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const acts = $("#acts", page);
    if (acts) $("#acts").replaceChildren(...[...acts.childNodes].map((node) => document.importNode(node, true)));
  }

  if (main.dataset.live) follow(main.dataset.live, { change: apply });
}

if ($("main.run")) runPage($("main.run"));
