"""Screenshots for the README, taken with a real browser: ``make shots``.

The demo's pages, and the threads and the dashboard as they stand at the end of the day that the tests play
(``day_story``). Needs a Chromium and a font with emoji (Debian: ``apt-get install chromium
fonts-noto-color-emoji``); Playwright only drives it.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright
from rich.console import Console

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS.parent / "tests")]  # the day is the tests' own

from bot.dashboard import create_app  # noqa: E402
from bot.dashboard.server import engine_for  # noqa: E402
from bot.demo.processes import LocalProcesses  # noqa: E402
from bot.demo.show import StepPrinter, play  # noqa: E402
from bot.settings import load  # noqa: E402
from bot.tasks.database.connection import connect, sqlalchemy_url  # noqa: E402
from bot.tasks.database.embedded import open_embedded_database  # noqa: E402
from bot.tasks.database.schema import migrate  # noqa: E402
from tests.support.browser import find_free_port, serving  # noqa: E402
from tests.support.day_story import AT, CHAPTERS, dawn  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
WIDTH, HEIGHT, TALLEST = 1100, 1000, 6000
FILM_WIDTH, FRAME_MS, MOST_FRAMES = 800, 900, 24
COLOURS = 128  # text on a plain ground needs no more


async def shoot(browser: str, pages: Mapping[str, str], *, whole: bool = False) -> None:
    """A compressed picture of each page, by name: what a window shows, or the whole of it."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = await chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        for name, url in pages.items():
            await page.goto(url)
            await page.wait_for_load_state("load")
            await page.get_by_text("Being counted.").wait_for(state="detached")
            bottom = await page.evaluate("document.querySelector('main').getBoundingClientRect().bottom")
            taken = Image.open(BytesIO(await page.screenshot(full_page=whole)))
            height = min(taken.height, TALLEST, int(bottom) + 24)
            low = taken.convert("RGB").crop((0, 0, WIDTH, height))
            target = DOCS / f"{name}.png"
            low.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
            print(target, f"{target.stat().st_size >> 10} KiB")
        await chromium.close()


async def film(browser: str, house: LocalProcesses, over: asyncio.Event, last: list[str]) -> None:
    """A moving picture of the first run while it goes on, then of the pages ``last``, each change a frame."""
    frames: list[Image.Image] = []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=FLAGS)
        page = await chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})

        async def take(url: str) -> None:
            answer = await page.goto(url)
            if answer is None or not answer.ok:  # the run has not begun
                return
            await page.wait_for_timeout(400)  # for the first events of a stream
            taken = Image.open(BytesIO(await page.screenshot())).convert("RGB")
            frame = taken.resize((FILM_WIDTH, FILM_WIDTH * HEIGHT // WIDTH)).quantize(
                64, dither=Image.Dither.NONE
            )
            if not frames or frame.tobytes() != frames[-1].tobytes():
                frames.append(frame)

        while not over.is_set():
            await take(f"{house.dashboard_url}/runs/1")
            await asyncio.sleep(0.5)
        for url in last:
            await take(url)
        await chromium.close()
    first, *others = frames[-MOST_FRAMES:]
    target = DOCS / "demo.gif"
    times = [FRAME_MS] * len(others) + [4 * FRAME_MS]
    first.save(target, save_all=True, append_images=others, duration=times, loop=0, optimize=True)
    print(target, f"{target.stat().st_size >> 10} KiB, {len(others) + 1} frames")


async def demo(browser: str, home: Path) -> None:
    """The pull request and the run of ``make demo``, and the run while it goes on."""
    house = LocalProcesses(home=home, model="offline")
    over, last = asyncio.Event(), list[str]()
    try:
        await asyncio.to_thread(house.start)
        filming = asyncio.create_task(film(browser, house, over, last))
        story = await play(house, StepPrinter(console=Console()))
        last += [story["run_url"], story["pr_url"]]
        over.set()
        await filming
        await shoot(browser, {"pull-request": story["pr_url"], "run": story["run_url"]})
    finally:
        house.stop()


async def day(browser: str, home: Path) -> None:
    """The issue, the pull requests and the dashboard at the end of the day."""
    with open_embedded_database(home / "postgres") as url:
        database = connect(url)
        await migrate(database)
        async with dawn(home, home / "hob", database) as played:
            for chapter in CHAPTERS:
                print(chapter.__name__.replace("_", " "))
                await chapter(played)
            web = f"{played.hob.hub.web_url}/{AT.removeprefix('/repos/')}"
            pages = {
                "day-issue": f"{web}/issues/{played.issue}",
                "day-review": f"{web}/pull/{played.pull}",
                "day-refusal": f"{web}/issues/{played.prize}",
                "day-reviewed": f"{web}/pull/{played.reviewed}",
            }
            await shoot(browser, pages, whole=True)
            engine, port = engine_for(sqlalchemy_url(url)), find_free_port()
            at = f"http://127.0.0.1:{port}"
            with serving(create_app(load(), engine), port):
                await shoot(browser, {"tasks": f"{at}/", "figures": f"{at}/figures?by=kind"})
            engine.dispose()
        await database.engine.dispose()


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        sys.exit("No chromium here; on Debian: sudo apt-get install chromium")
    if not subprocess.run(["fc-list", ":charset=2705"], capture_output=True, check=False).stdout:
        sys.exit("No font here has emoji; on Debian: sudo apt-get install fonts-noto-color-emoji")
    wanted = sys.argv[1:]  # names of stories, none for all
    for taken in (demo, day):
        if wanted and taken.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="hob-shots-", ignore_cleanup_errors=True) as home:
            asyncio.run(taken(browser, Path(home)))


if __name__ == "__main__":
    main()
