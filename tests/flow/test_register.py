"""``hob register`` in a real browser: by keyboard, on a phone, with a name that is taken first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import expect

from bot.github.cli.manifest import Credentials
from bot.github.cli.register import run_registration
from tests.support.browser import (
    PHONE,
    find_barriers,
    is_wider_than_window,
    listen,
    needs_browser,
    open_browser,
)
from tests.support.hub import running_hub
from tests.support.tasks import until

pytestmark = needs_browser


async def test_a_person_registers_the_app_from_their_browser(tmp_path: Path) -> None:
    told: list[str] = []

    def register(api_url: str) -> Credentials:
        return run_registration(
            "https://hob.example",
            api_url=api_url,
            home=tmp_path / "home",
            port=0,
            tell=told.append,
            organization="",
        )

    async def is_up() -> bool:
        return bool(told)

    async with running_hub(tmp_path / "hub") as hub, open_browser() as browser:
        running = asyncio.create_task(asyncio.to_thread(register, hub.api_url))
        await until(is_up)
        page = await (await browser.new_context(viewport=PHONE)).new_page()  # type: ignore[arg-type]
        said = listen(page)
        await page.goto(told[0].split()[1])
        assert await find_barriers(page) == [] and not await is_wider_than_window(page)
        name = page.get_by_label("Name of the App")
        await name.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Hob is taken")
        assert await find_barriers(page) == []
        await name.fill("Octo Hob")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Register this GitHub App").press("Enter")
        await expect(page.get_by_role("heading")).to_have_text("octo-hob is registered")
        assert await find_barriers(page) == [] and not await is_wider_than_window(page)
        made = await running
        assert (made.slug, made.env_file.stat().st_mode & 0o777) == ("octo-hob", 0o600)
        assert "mention it as @octo-hob" in told[1]
        assert [each for each in said if "400" not in each] == []
