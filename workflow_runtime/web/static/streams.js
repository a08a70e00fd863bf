// A stream as it comes: its text joined, or chunk by chunk.

function streamPage() {
  const text = $("#text");
  const chunks = $("#chunks");
  const tail = $("#tail");
  const box = text ?? chunks;
  const LONGEST = 600000;
  let next = Number($(".streams").dataset.next);
  if (text && !text.firstChild) text.append("");

  const toEnd = () => { if (tail.checked) box.scrollTop = box.scrollHeight; };
  box.addEventListener("wheel", (event) => { if (event.deltaY < 0) tail.checked = false; }, { passive: true });
  tail.addEventListener("change", toEnd);
  toEnd();

  return (change) => {
    // A connection that was lost begins again where the page began.
    const fresh = (change.chunks ?? []).filter(([index]) => index >= next);
    if (!fresh.length) return;
    next = fresh[fresh.length - 1][0] + 1;
    if (text) {
      text.firstChild.appendData(fresh.map(([, , piece]) => piece).join(""));
      if (text.firstChild.length > LONGEST) text.firstChild.deleteData(0, text.firstChild.length - LONGEST / 2);
    } else {
      chunks.append(...fresh.map(([index, kind, piece]) => el("li", {}, el("span", { class: "num dim" }, String(index)), " ", el("span", { class: "dim" }, kind), ` ${piece}`)));
      while (chunks.children.length > 250) chunks.firstElementChild.remove();
    }
    $("#stream-count").textContent = `${next.toLocaleString("en")} chunks`;
    $(".which [aria-current] small").textContent = `${next.toLocaleString("en")} chunks, open`;
    toEnd();
  };
}
