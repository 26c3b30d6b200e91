"""Screenshots for the README, taken of a real demo with a real browser: ``make shots``.

Needs a Chromium (Debian: ``apt-get install chromium``); Playwright only drives it.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from bot.demo.house import House
from bot.demo.show import Teller, play

DOCS = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("No chromium here; on Debian: sudo apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="hob-shots-", ignore_cleanup_errors=True) as home:
        house = House(home=Path(home), model="offline")
        try:
            house.start()
            story = asyncio.run(play(house, Teller(console=Console())))
            pages = {
                "pull-request": story["pr_url"],
                "run": story["run_url"],
            }
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS)
                page = chromium.new_page(viewport={"width": 1100, "height": 1000})
                for name, url in pages.items():
                    page.goto(url)
                    page.wait_for_load_state("load")
                    page.screenshot(path=DOCS / f"{name}.png")
                    print(DOCS / f"{name}.png")
                chromium.close()
        finally:
            house.stop()


if __name__ == "__main__":
    main()
