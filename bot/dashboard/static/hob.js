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

  // The terminal: a block for each command that runs or has just ended, its lines by number, so that a line which
  // goes on replaces itself and lines that are missing are said to be.
  const terminal = document.getElementById("terminal");
  const MOST_LINES = 1000;
  const MOST_BLOCKS = 4;

  function openBlock(command, title) {
    const block = document.createElement("details");
    block.id = `command-${command}`;
    block.open = true;
    block.innerHTML = '<summary><code></code> <span class="tone busy">runs</span></summary><pre class="output" tabindex="0"></pre>';
    block.querySelector("code").textContent = title;
    terminal.append(block);
    terminal.hidden = false;
    const blocks = terminal.querySelectorAll("details");
    for (const old of [...blocks].slice(0, -MOST_BLOCKS))
      if (old.dataset.ended && !old.contains(document.activeElement)) old.remove();
    return block;
  }

  function addOutput(event) {
    last = event.lastEventId;
    const holder = document.createElement("template");
    holder.innerHTML = event.data;
    const piece = holder.content.firstElementChild;
    if (!piece) return;
    const {command, line, title, ended} = piece.dataset;
    const block = document.getElementById(`command-${command}`) || openBlock(command, title);
    const lines = block.querySelector("pre");
    const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 30;
    if (piece.firstElementChild) {
      const next = Number(lines.dataset.next || 0);
      for (let more = next - Number(line); more > 0 && lines.lastElementChild; more -= 1) lines.lastElementChild.remove();
      if (Number(line) > next) {
        const gap = document.createElement("span");
        gap.className = "line quiet";
        gap.textContent = `… ${Number(line) - next} lines are not shown\n`;
        lines.append(gap);
      }
      lines.dataset.next = Number(line) + piece.childElementCount;
      lines.append(...piece.children);
      while (lines.childElementCount > MOST_LINES) lines.firstElementChild.remove();
    }
    if (ended) {
      block.dataset.ended = ended;
      const tone = block.querySelector(".tone");
      tone.textContent = ended;
      const how = ended.startsWith("exit code 0") ? "good" : ended.startsWith("it was stopped") ? "" : "bad";
      tone.className = `tone ${how}`;
    }
    if (atEnd) lines.scrollTop = lines.scrollHeight;
  }

  function listen() {
    const address = new URL(live.dataset.live, location.href);
    address.searchParams.set("after", last);
    const source = new EventSource(address);
    source.addEventListener("open", () => { status.textContent = "live"; });
    source.addEventListener("turn", addTurn);
    source.addEventListener("output", addOutput);
    for (const part of ["head", "result"])
      source.addEventListener(part, (event) => replaceContent(document.getElementById(part), event.data));
    source.addEventListener("again", () => { source.close(); location.reload(); });
    source.addEventListener("end", () => { ended = true; source.close(); status.textContent = "ended"; terminal.hidden = true; });
    source.addEventListener("error", () => {
      if (ended) return;
      status.textContent = "reconnecting";
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  }
  listen();
})();
