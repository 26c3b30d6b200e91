"""Pages in a real browser: Debian's Chromium, driven by Playwright, with what it says on its console."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from playwright.async_api import Browser, Page, async_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: .ci/browser installs it")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]
_AXE = Path(__file__).parent.parent / "data" / "axe" / "axe.min.js"
PHONE = {"width": 390, "height": 844}


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    """The application on loopback, with a thread for each request; its end waits for all of them."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """A Chromium of the test's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        await browser.close()


def listen(page: Page) -> list[str]:
    """What goes wrong on a page from now on: errors on its console, and exceptions."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


async def find_barriers(page: Page, *, colours_only: bool = False) -> list[str]:
    """What axe-core finds on the page as it is that is serious, each with an element that has it."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(_read_axe())
    rules = "'color-contrast'" if colours_only else "'wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'"
    options = f"{{resultTypes: ['violations'], runOnly: [{rules}]}}"
    found = await page.evaluate(f"axe.run(document, {options})")
    return [
        f"{each['id']}: {json.dumps(each['nodes'][0])[:500]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


_ACTED_ON = """[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter(each => each.tabIndex >= 0 && each.type !== 'hidden' && each.checkVisibility())"""
# By what it is, since a part of the page that refreshes itself has new elements.
_NAME = """(each => [each.tagName, each.id, each.name, each.getAttribute("href"),
    each.getAttribute("aria-label"), each.textContent.slice(0, 40)].join(" "))"""
_REACHED = f"""(() => {{
    const at = document.activeElement;
    const reached = window.reached ||= new Set();
    if (at === document.body || reached.has({_NAME}(at))) return [];
    reached.add({_NAME}(at));
    const style = getComputedStyle(at);
    const isSeen = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return isSeen ? [] : ["the focus is not seen: " + at.outerHTML.slice(0, 200)];
}})()"""


async def find_out_of_reach(page: Page) -> list[str]:
    """What can be acted on and the Tab key does not get to, or shows no sign of having got there."""
    wrong: list[str] = []
    await page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    for _ in range(await page.evaluate(f"{_ACTED_ON}.length") + 3):
        await page.keyboard.press("Tab")
        wrong += await page.evaluate(_REACHED)
    left = f"{_ACTED_ON}.map({_NAME}).filter(name => !window.reached.has(name))"
    return wrong + list(await page.evaluate(left))


async def is_wider_than_window(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    wide: bool = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    return wide


@cache
def _read_axe() -> str:
    return _AXE.read_text("utf-8")
