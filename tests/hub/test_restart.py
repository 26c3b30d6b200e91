"""The hub as a program: its JSON line, and what a stop and a kill leave."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.hub import Receiver, running_hub

REPO = "/repos/maintainer/demo"


async def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        before = hub.facts
        repo = await hub.seed_repo("demo", {"a.txt": "a\n"})
        await hub.push_files("demo", {"a.txt": "b\n"}, branch="topic")
        await hub.as_maintainer.post(f"{REPO}/issues", {"title": "One"})
        bot = await hub.as_bot()
        await bot.post(f"{REPO}/pulls", {"title": "Two", "head": "topic", "base": "main"})
    async with running_hub(tmp_path) as hub:
        assert hub.facts == before
        assert (await hub.as_maintainer.get(REPO))["id"] == repo["id"]
        titles = [one["title"] for one in await hub.as_maintainer.get(f"{REPO}/issues")]
        assert titles == ["Two", "One"]
        await hub.client(bot.token).post(f"{REPO}/issues/1/comments", {"body": "Still valid"})
        assert (await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Three"}))["number"] == 3


async def test_undelivered_webhooks_are_sent_at_the_next_start(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.delay = 0.5
        async with running_hub(tmp_path, receiver.url) as hub:
            await hub.as_maintainer.post("/user/repos", {"name": "demo"})
            await hub.as_maintainer.post(f"{REPO}/issues", {"title": "One"})
        receiver.delay = 0.0
        async with running_hub(tmp_path, receiver.url):
            await receiver.wait("issues.opened")


async def start_program(data: Path) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localhub", "--data", str(data), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, json.loads(await asyncio.wait_for(process.stdout.readline(), 90))


async def test_the_program_prints_one_line_and_survives_a_kill(tmp_path: Path) -> None:
    import aiohttp

    process, facts = await start_program(tmp_path)
    names = {
        "api_url",
        "web_url",
        "app_id",
        "installation_id",
        "private_key_file",
        "webhook_secret",
        "users",
        "admin_token",
    }
    assert set(facts) == names
    assert Path(facts["private_key_file"]).stat().st_mode & 0o077 == 0
    headers = {"Authorization": f"Bearer {facts['users']['maintainer']['token']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        body = {"name": "demo", "auto_init": True}
        async with session.post(f"{facts['api_url']}/user/repos", json=body) as response:
            assert response.status == 201
        process.kill()
        await process.wait()
        process, again = await start_program(tmp_path)
        assert again == facts
        async with session.get(f"{facts['api_url']}{REPO}/contents/README.md") as response:
            assert response.status == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 90) == 0
    assert process.stdout is not None
    assert await process.stdout.read() == b""


async def test_a_taken_port_is_told_plainly(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "localhub", "--data", str(tmp_path), "--port", port,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert f"cannot listen on port {port}".encode() in err
