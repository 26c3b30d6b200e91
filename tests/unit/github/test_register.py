"""``hob register`` as a browser sees it, against the local GitHub: taken names, and what is written."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from bot.errors import UserError
from bot.github.cli.manifest import Credentials
from bot.github.cli.register import run_registration
from bot.settings import load
from tests.support.hub import Hub, running_hub


@dataclass(frozen=True, slots=True)
class Registration:
    """``run_registration`` in a thread, and a browser at its pages."""

    running: asyncio.Task[Credentials]
    http: aiohttp.ClientSession
    told: list[str] = field(default_factory=list)

    async def address(self) -> str:
        while not self.told:
            await asyncio.sleep(0.01)
            assert not self.running.done(), self.running.exception()
        return self.told[0].removeprefix("Open ").removesuffix("/ in your browser.")

    async def get(self, path: str, **query: str) -> tuple[int, str]:
        async with self.http.get(f"{await self.address()}{path}", params=query) as answer:
            return answer.status, await answer.text()

    async def press(self, page: str) -> aiohttp.ClientResponse:
        """The button that goes to GitHub; redirects are followed, so back to the page of hob."""
        (target,) = re.findall(r'<form action="([^"]+)" method="post">', page)
        (manifest,) = re.findall(r'name="manifest" value="([^"]+)"', page)
        data = {"manifest": html.unescape(manifest)}
        async with self.http.post(html.unescape(target), data=data) as answer:
            await answer.read()
            return answer


@asynccontextmanager
async def registering(hub: Hub, home: Path, **more: str) -> AsyncIterator[Registration]:
    told: list[str] = []
    options = {"organization": "", "name": "", **more}

    def run() -> Credentials:
        return run_registration(
            "https://hob.example/", api_url=hub.api_url, home=home, port=0, tell=told.append, **options
        )

    async with aiohttp.ClientSession() as http:
        running = asyncio.create_task(asyncio.to_thread(run))
        try:
            yield Registration(running, http, told)
        finally:
            if not running.done():  # it waits for a browser: an answer that belongs to nothing ends it
                await http.get(f"{told[0].split()[1]}done")
            await asyncio.wait({running})


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path / "hub") as hub:
        yield hub


async def test_a_taken_name_leads_back_to_the_choice_and_another_one_through(
    hub: Hub, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    async with registering(hub, home) as registration:
        status, page = await registration.get("/")
        assert status == 200 and 'name=name required maxlength=34 value="Hob"' in page
        for taken, said in (("Hob", "Hob is taken"), ("maintainer", "somebody&#x27;s account")):
            status, page = await registration.get("/ask", name=taken)
            assert status == 400 and said in page and f'value="{taken}"' in page
        status, page = await registration.get("/ask", name="Octo Hob")
        assert status == 200 and "choose another name" in page
        answer = await registration.press(page)
        assert answer.status == 200 and answer.url.path == "/done"
        assert "octo-hob is registered" in await answer.text()
        made = await registration.running
    assert made.slug == "octo-hob" and f"set -a; . {home}/app.env; set +a" in "\n".join(registration.told)


async def test_what_is_written_is_all_that_the_processes_need(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    async with registering(hub, home, name="Octo Hob") as registration:
        _, page = await registration.get("/ask", name="Octo Hob")
        await registration.press(page)
        made = await registration.running
    for line in made.env_file.read_text().splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    settings = load("app_id", "private_key", "webhook_secret", "client_id", "client_secret")
    assert settings.base_url == "https://hob.example" and settings.github_url == hub.api_url
    assert settings.sign_in and settings.app.app_id == made.app_id


async def test_a_registration_that_cannot_be_kept_is_not_begun(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "app.env").write_text("HOB_APP_ID=1\n")
    with pytest.raises(UserError, match=r"app\.env exists already"):
        run_registration(
            "https://hob.example", api_url=hub.api_url, home=tmp_path, port=0, tell=print, organization=""
        )
    with pytest.raises(UserError, match="BASE_URL must be an absolute https URL"):
        run_registration(
            "http://hob.example",
            api_url=hub.api_url,
            home=tmp_path / "b",
            port=0,
            tell=print,
            organization="",
        )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"name": "x" * 35}, "--name must have"),
        ({"name": "Octo", "organization": "../evil"}, "is not the name of a GitHub organization"),
        ({"name": '"><script>alert(1)</script>'}, "&lt;script&gt;"),
    ],
)
async def test_a_choice_that_cannot_be_is_said_on_the_page(
    hub: Hub, tmp_path: Path, query: dict[str, str], said: str
) -> None:
    async with registering(hub, tmp_path / "home") as registration:
        _, page = await registration.get("/ask", **query)
        assert said in page and "<script>" not in page
        assert (await registration.get("/elsewhere"))[0] == 404


async def test_another_host_name_gets_nothing(hub: Hub, tmp_path: Path) -> None:
    async with registering(hub, tmp_path / "home") as registration:
        address = await registration.address()
        async with registration.http.get(address, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403 and "manifest" not in await answer.text()
