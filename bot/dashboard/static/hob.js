// What htmx does not do by itself: what was opened stays open when a part of the page is replaced, and a run's
// events are put where they belong. Needs nothing but a browser; without it every page works, only not live.
"use strict";
(() => {
  const kept = new Map();
  const keepOpened = (root) => root.querySelectorAll("details[id]").forEach((each) => kept.set(each.id, each.open));
  const restoreOpened = (root) => root.querySelectorAll("details[id]").forEach((each) => {
    if (kept.has(each.id)) each.open = kept.get(each.id);
  });
  // A part that is as it was stays untouched, so that what somebody marked or points at does too.
  const isSame = (target, page) => {
    const fresh = target.id && new DOMParser().parseFromString(page, "text/html").getElementById(target.id);
    return Boolean(fresh) && fresh.innerHTML === target.innerHTML;
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    keepOpened(document);
    if (isSame(event.detail.target, event.detail.serverResponse)) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", () => restoreOpened(document));

  function replaceContent(place, html) {
    const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.id : "";
    keepOpened(place);
    place.innerHTML = html;
    restoreOpened(place);
    const again = focused && document.getElementById(focused);
    if (again) again.focus({preventScroll: true});
  }

  const live = document.querySelector("[data-live]");
  if (!live) return;
  const turns = document.getElementById("turns");
  const status = document.getElementById("live-status");
  let last = live.dataset.after;
  let ended = false;

  function addTurn(event) {
    last = event.lastEventId;
    const holder = document.createElement("template");
    holder.innerHTML = event.data;
    const turn = holder.content.firstElementChild;
    if (!turn || document.getElementById(turn.id)) return;  // it is there already
    const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 80;
    turns.append(turn);
    if (atEnd && !turns.contains(document.activeElement)) window.scrollTo(0, document.body.scrollHeight);
  }

  function listen() {
    const address = new URL(live.dataset.live, location.href);
    address.searchParams.set("after", last);
    const source = new EventSource(address);
    source.addEventListener("open", () => { status.textContent = "live"; });
    source.addEventListener("turn", addTurn);
    for (const part of ["head", "result"])
      source.addEventListener(part, (event) => replaceContent(document.getElementById(part), event.data));
    source.addEventListener("again", () => { source.close(); location.reload(); });
    source.addEventListener("end", () => { ended = true; source.close(); status.textContent = "ended"; });
    source.addEventListener("error", () => {
      if (ended) return;
      status.textContent = "reconnecting";
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  }
  listen();
})();
