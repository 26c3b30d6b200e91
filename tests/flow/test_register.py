"""``hob register``, the App's installation, the sign-in and ``hob doctor``, as a newcomer's evening goes.

In a real browser, by keyboard, on a phone; with a name that is taken first. Webhooks and pages have one
address, as a proxy in front of both processes gives them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from dotenv import dotenv_values
from multidict import CIMultiDict
from playwright.async_api import Page, expect

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.demo.free_port import find_free_port
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from tests.support.browser import (
    PHONE,
    find_barriers,
    is_wider_than_window,
    listen,
    needs_browser,
    open_browser,
    serving,
)
from tests.support.hub import Hub, running_hub
from tests.support.processes import CommandLine
from tests.support.tasks import until

pytestmark = needs_browser
HOP_BY_HOP = {"transfer-encoding", "connection", "content-length", "content-encoding"}


@asynccontextmanager
async def one_address(port: int, *, webhook: int, pages: int) -> AsyncIterator[None]:
    """A proxy on a port: what comes for /webhook goes to one process, all else to the other."""

    async def pass_on(request: web.Request) -> web.Response:
        to = webhook if request.path == "/webhook" else pages
        async with session.request(
            request.method,
            f"http://127.0.0.1:{to}{request.path_qs}",
            headers=request.headers,
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            kept = [pair for pair in answer.headers.items() if pair[0].lower() not in HOP_BY_HOP]
            return web.Response(status=answer.status, body=await answer.read(), headers=CIMultiDict(kept))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", pass_on)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
        await runner.cleanup()


async def register(page: Page, hub: Hub, printed: Path, running: CommandLine) -> str:
    """Have the App registered from the page that the command names; all that the command printed."""

    async def is_up() -> bool:
        return any("in your browser" in each.read_text() for each in printed.glob("*.out"))

    await until(is_up)
    (out,) = printed.glob("*.out")
    await page.goto(out.read_text().split()[1])
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
    done = await asyncio.to_thread(running.wait)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_newcomer_registers_installs_signs_in_and_asks_the_doctor(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, webhook, pages = (find_free_port() for _ in range(3))
    base, home, printed = f"http://127.0.0.1:{port}", tmp_path / "home", tmp_path / "printed"
    async with running_hub(tmp_path / "hub") as hub, open_browser() as browser:
        await hub.as_maintainer.post("/user/repos", {"name": "shop"})
        await hub.as_maintainer.post("/repos/maintainer/shop/labels", {"name": "hob", "color": "9a3412"})
        env = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "HOB_HOME": str(home),
            "HOB_DATABASE_URL": database.url,
        }  # fmt: skip
        command = CommandLine(printed, "register", base, env=env | {"HOB_GITHUB_URL": hub.api_url})
        page = await (await browser.new_context(viewport=PHONE)).new_page()  # type: ignore[arg-type]
        said = listen(page)
        told = await register(page, hub, printed, command)
        file = home / "app.env"
        assert file.stat().st_mode & 0o777 == 0o600
        assert "mention it as @octo-hob" in told and f"set -a; . {file}; set +a" in told
        doctor = told.split("What hob doctor finds now:\n")[1]
        assert "ok   permissions: as app.yml asks" in doctor and "ok   sandbox: " in doctor
        assert "FAIL installation: installed nowhere. Install it: " in doctor

        for name, value in dotenv_values(file).items():
            monkeypatch.setenv(name, value or "")
            env[name] = value or ""
        engine = engine_for(sqlalchemy_url(database.url))
        at_webhook = CommandLine(tmp_path / "web", "web", env=env | {"PORT": str(webhook)})
        try:
            with serving(create_app(load(), engine), pages):
                async with one_address(port, webhook=webhook, pages=pages):
                    await until(partial(answers, f"http://127.0.0.1:{webhook}/healthz"))
                    await page.get_by_role("link", name="Install it on repositories").press("Enter")
                    await page.get_by_role("button", name="Install").press("Enter")
                    await expect(page.get_by_role("heading")).to_contain_text("Octo Hob")
                    await hub.idle()
                    await page.goto(base)
                    await page.get_by_role("link", name="Sign in with GitHub").press("Enter")
                    await page.get_by_role("button", name="Authorize Octo Hob").press("Enter")
                    await expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
                    await expect(page.get_by_role("link", name="maintainer")).to_be_visible()
                    asked = CommandLine(printed, "doctor", env=env)
                    done = await asyncio.to_thread(asked.wait)
        finally:
            engine.dispose()
            at_webhook.send_signal(signal.SIGTERM)
            await asyncio.to_thread(at_webhook.wait)
        assert done.returncode == 0 and "FAIL" not in done.stdout, done.stdout + done.stderr
        assert "ok   installation: maintainer (" in done.stdout
        assert f"ok   webhook: {base}/webhook" in done.stdout
        assert [each for each in said if "400" not in each] == []


async def answers(address: str) -> bool:
    """Whether a process says that it is well."""
    try:
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
