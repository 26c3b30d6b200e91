// Keep the page up to date: ask again every two seconds, put in the new main part when it differs, and
// never take away what somebody is writing or a part that was opened or closed by hand.
"use strict";

const PERIOD = 2000;
const main = document.getElementById("main");
let shown = main.innerHTML;
let tag = null;

function isBusy() {
  const active = document.activeElement;
  if (active && active.closest("form, details > summary")) return true;
  if (!document.getSelection().isCollapsed) return true;
  return Array.from(main.querySelectorAll("input, textarea, option")).some(isChanged);
}

function isChanged(field) {
  if (field.tagName === "OPTION") return field.selected !== field.defaultSelected;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
}

function foldings() {
  const found = new Map();
  main.querySelectorAll("details[data-key]").forEach((part) => found.set(part.dataset.key, part.open));
  return found;
}

function replace(html) {
  const before = foldings();
  shown = html;
  main.innerHTML = html;
  main.querySelectorAll("details[data-key]").forEach((part) => {
    if (before.has(part.dataset.key)) part.open = before.get(part.dataset.key);
  });
}

async function refresh() {
  if (document.hidden || isBusy()) return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(location.pathname + location.search, { headers, cache: "no-store" });
  if (response.status !== 200) return;
  tag = response.headers.get("ETag");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.getElementById("main").innerHTML;
  if (next !== shown && !isBusy()) replace(next);
}

async function keepRefreshing() {
  try {
    await refresh();
  } catch (error) {
    // The server is away for a moment: ask again later.
  }
  setTimeout(keepRefreshing, PERIOD);
}

if (!("still" in main.dataset)) setTimeout(keepRefreshing, PERIOD);
