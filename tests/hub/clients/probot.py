"""Probot, with which most of GitHub's apps in JavaScript are made: fed by the hub's own webhooks."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

from bot.demo.free_port import find_free_port
from tests.hub.clients.programs import install_from_npm
from tests.support.hub import Hub, running_hub

PROBOT = "probot@14"
REPO = "/repos/maintainer/clients"
SECONDS = 120.0


async def play_probot(_: Hub, folder: Path) -> str:
    """An issue is opened, and an app of Probot's comments, labels, reads its configuration and checks."""
    await install_from_npm(folder, PROBOT)
    shutil.copy(Path(__file__).with_name("probot.mjs"), folder)
    port = find_free_port()
    async with running_hub(folder, f"http://127.0.0.1:{port}/webhook", enterprise=True) as hub:
        await hub.seed_repo("clients", {".github/clients.yml": "check: by-probot\n"})
        facts = {**hub.facts, "private_key": hub.private_key}
        process = await asyncio.create_subprocess_exec(
            "node",
            "probot.mjs",
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HUB_FACTS": json.dumps(facts), "PORT": str(port)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            await asyncio.wait_for(_hear(hub, process), SECONDS)
        except TimeoutError:
            process.terminate()
            said, _ = await process.communicate()
            raise AssertionError(f"probot did not do it in {SECONDS:.0f} s:\n{said.decode()}") from None
        finally:
            if process.returncode is None:
                process.terminate()
                await process.communicate()
    return "probot: a webhook heard, a comment, a label, its configuration, a check\n"


async def _hear(hub: Hub, process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while (line := await process.stdout.readline()) != b"ready\n":
        assert line, "it ended before it listened"
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hear, hear"})
    while True:
        comments = await hub.as_maintainer.get(f"{REPO}/issues/1/comments")
        checks = await hub.as_maintainer.get(f"{REPO}/commits/main/check-runs")
        if comments and checks["check_runs"]:
            break
        await asyncio.sleep(0.1)
    issue = await hub.as_maintainer.get(f"{REPO}/issues/1")
    assert comments[0]["user"]["type"] == "Bot" and [one["name"] for one in issue["labels"]] == ["bug"]
    assert checks["check_runs"][0]["name"] == "by-probot"
