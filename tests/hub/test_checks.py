"""Check runs and commit statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import Client, Hub, running_hub

REPO = "/repos/maintainer/demo"
RUNS = f"{REPO}/check-runs"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        await running.as_maintainer.post("/user/repos", {"name": "demo", "auto_init": True})
        yield running


@pytest.fixture
async def bot(hub: Hub) -> Client:
    return await hub.as_bot()


@pytest.fixture
async def sha(bot: Client) -> str:
    return str((await bot.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"])


def notes(count: int) -> list[dict[str, Any]]:
    note = {
        "path": "README.md",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "notice",
        "message": "Hm",
    }
    return [note] * count


async def test_a_check_run_from_queue_to_conclusion(bot: Client, sha: str) -> None:
    run = await bot.post(RUNS, {"name": "hob", "head_sha": sha, "external_id": "7"})
    assert (run["status"], run["conclusion"], run["app"]["slug"]) == ("queued", None, "hob")
    output = {"title": "Tests", "summary": "Fine", "annotations": notes(50)}
    await bot.patch(f"{RUNS}/{run['id']}", {"status": "in_progress", "output": output})
    await bot.patch(f"{RUNS}/{run['id']}", {"output": output | {"annotations": notes(20)}})
    done = await bot.patch(f"{RUNS}/{run['id']}", {"status": "completed", "conclusion": "success"})
    assert (done["status"], done["conclusion"], done["output"]["annotations_count"]) == (
        "completed",
        "success",
        70,
    )
    assert done["completed_at"]
    assert len(await bot.get(f"{RUNS}/{run['id']}/annotations?per_page=100")) == 70
    listed = await bot.get(f"{REPO}/commits/main/check-runs?check_name=hob")
    assert [one["id"] for one in listed["check_runs"]] == [run["id"]]


async def test_check_runs_that_cannot_be(bot: Client, sha: str) -> None:
    cases: list[dict[str, Any]] = [
        {"status": "completed"},
        {"conclusion": "splendid"},
        {"output": {"title": "T", "summary": "x" * 65_536}},
        {"output": {"title": "T", "summary": "S", "annotations": notes(51)}},
        {"actions": [{"label": "a label that is far too long", "description": "d", "identifier": "i"}]},
    ]
    for body in cases:
        assert (await bot.send("POST", RUNS, {"name": "hob", "head_sha": sha, **body})).status == 422, body


async def test_only_apps_make_check_runs(hub: Hub, bot: Client, sha: str) -> None:
    refused = await hub.as_maintainer.send("POST", RUNS, {"name": "hob", "head_sha": sha})
    assert refused.status == 403
    assert (await bot.send("POST", RUNS, {"name": "hob", "head_sha": "1" * 40})).status == 422


async def test_the_latest_of_each_name(bot: Client, sha: str) -> None:
    await bot.post(RUNS, {"name": "hob", "head_sha": sha})
    new = await bot.post(RUNS, {"name": "hob", "head_sha": sha})
    found = await bot.get(f"{REPO}/commits/{sha}/check-runs")
    assert [one["id"] for one in found["check_runs"]] == [new["id"]]
    assert (await bot.get(f"{REPO}/commits/{sha}/check-runs?filter=all"))["total_count"] == 2


async def test_statuses_come_to_one(hub: Hub, sha: str) -> None:
    me = hub.as_maintainer
    for context, state in (("a", "pending"), ("b", "success"), ("a", "success")):
        await me.post(f"{REPO}/statuses/{sha}", {"state": state, "context": context})
    combined = await me.get(f"{REPO}/commits/main/status")
    assert (combined["state"], combined["total_count"]) == ("success", 2)
    await me.post(f"{REPO}/statuses/{sha}", {"state": "error", "context": "b"})
    assert (await me.get(f"{REPO}/commits/main/status"))["state"] == "failure"


async def test_what_is_asked_of_a_check_goes_to_its_app_alone(hub: Hub, bot: Client, sha: str) -> None:
    """And to it whether it subscribed or not, as to every App that may write checks."""
    done = {"head_sha": sha, "status": "completed", "conclusion": "success"}
    run = await bot.post(RUNS, {"name": "hob", **done})
    other = await hub.admin("app", slug="ci", permissions={"checks": "write", "contents": "read"})
    theirs = await hub.client(other["token"]).post(RUNS, {"name": "tests", **done})
    for one in (run, theirs):
        await hub.as_maintainer.post(f"{RUNS}/{one['id']}/rerequest")
        await hub.as_maintainer.post(f"{REPO}/check-suites/{one['check_suite']['id']}/rerequest")
    sql = "SELECT app_id, event FROM deliveries WHERE action = 'rerequested' ORDER BY id"
    told = [(row["app_id"], row["event"]) for row in hub.hub.state.all(sql)]
    assert told == [
        (app, event) for app in (hub.app_id, other["id"]) for event in ("check_run", "check_suite")
    ]


async def test_a_job_of_actions_has_annotations_alone(hub: Hub, sha: str) -> None:
    actions = await hub.admin(
        "app", slug="github-actions", permissions={"checks": "write", "contents": "read"}
    )
    output = {"title": "T", "summary": "S", "text": "X", "annotations": notes(1)}
    run = await hub.client(actions["token"]).post(RUNS, {"name": "test", "head_sha": sha, "output": output})
    shown = run["output"]
    assert (shown["title"], shown["summary"], shown["text"]) == (None, None, None)
    assert shown["annotations_count"] == 1
