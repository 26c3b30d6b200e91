"""Webhooks: what is sent, how it is signed, what is recorded, and sending again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localhub.webhooks import signature
from tests.support.hub import Hub, Receiver, running_hub

REPO = "/repos/maintainer/demo"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as listening:
        yield listening


@pytest.fixture
async def hub(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path, receiver.url) as running:
        await running.as_maintainer.post("/user/repos", {"name": "demo", "auto_init": True})
        yield running


def test_the_signature_is_githubs() -> None:
    # https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature("It's a Secret to Everybody", b"Hello, World!") == expected


async def test_headers_and_signature(hub: Hub, receiver: Receiver) -> None:
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hi"})
    sent = await receiver.wait("issues.opened")
    assert sent.is_signed(hub.webhook_secret)
    assert sent.headers["X-Hub-Signature"].startswith("sha1=")
    assert sent.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert sent.headers["X-GitHub-Hook-Installation-Target-ID"] == str(hub.app_id)
    assert sent.headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert len(sent.headers["X-GitHub-Delivery"]) == 36
    assert sent.payload["installation"]["id"] == hub.installation_id
    assert sent.payload["sender"]["login"] == "maintainer"
    assert (await receiver.wait("ping")).payload["hook"]["app_id"] == hub.app_id


async def test_the_events_of_an_issue(hub: Hub, receiver: Receiver) -> None:
    me = hub.as_maintainer
    await me.post(f"{REPO}/issues", {"title": "Hi", "labels": ["bug"]})
    await me.patch(f"{REPO}/issues/1", {"body": "More"})
    made = await me.post(f"{REPO}/issues/1/comments", {"body": "one"})
    await me.patch(f"{REPO}/issues/comments/{made['id']}", {"body": "two"})
    await me.delete(f"{REPO}/issues/comments/{made['id']}")
    await me.patch(f"{REPO}/issues/1", {"state": "closed"})
    await me.patch(f"{REPO}/issues/1", {"state": "open"})
    await hub.idle()
    mine = [name for name in receiver.names() if name.startswith("issue")]
    assert sorted(mine) == sorted(
        ["issues.opened", "issues.labeled", "issues.edited", "issue_comment.created", "issue_comment.edited",
         "issue_comment.deleted", "issues.closed", "issues.reopened"]
    )  # fmt: skip
    assert receiver.all("issue_comment.edited")[0].payload["changes"] == {"body": {"from": "one"}}


async def test_a_push_tells_its_commits(hub: Hub, receiver: Receiver) -> None:
    await hub.seed_repo("code", {"a.txt": "a\n", "b.txt": "b\n"})
    (hub.worktree("code") / "b.txt").unlink()
    sha = await hub.push_files("code", {"a.txt": "aa\n", "c.txt": "c\n"}, "Change all")
    await hub.idle()
    first, second = receiver.all("push")
    assert (first.payload["created"], first.payload["ref"]) == (True, "refs/heads/main")
    assert second.payload["after"] == sha
    (commit,) = second.payload["commits"]
    assert (commit["added"], commit["modified"], commit["removed"]) == (["c.txt"], ["a.txt"], ["b.txt"])
    assert second.payload["pusher"]["name"] == "maintainer"


async def test_a_pull_request_tells_its_life(hub: Hub, receiver: Receiver) -> None:
    me = hub.as_maintainer
    await hub.seed_repo("code", {"a.txt": "a\n"})
    old = await hub.push_files("code", {"a.txt": "b\n"}, branch="topic")
    code = "/repos/maintainer/code"
    await me.post(f"{code}/pulls", {"title": "T", "head": "topic", "base": "main"})
    new = await hub.push_files("code", {"a.txt": "c\n"}, branch="topic")
    comment = {"path": "a.txt", "line": 1, "body": "Hm"}
    await me.post(f"{code}/pulls/1/reviews", {"event": "COMMENT", "body": "See", "comments": [comment]})
    await me.put(f"{code}/pulls/1/merge", {})
    await hub.idle()
    moved = receiver.all("pull_request.synchronize")[0].payload
    assert (moved["before"], moved["after"]) == (old, new)
    assert receiver.all("pull_request_review.submitted")[0].payload["review"]["state"] == "commented"
    assert receiver.all("pull_request_review_comment.created")[0].payload["comment"]["body"] == "Hm"
    assert receiver.all("pull_request.closed")[0].payload["pull_request"]["merged"] is True


async def test_buttons_of_check_runs(hub: Hub, receiver: Receiver) -> None:
    bot = await hub.as_bot()
    sha = (await bot.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    action = {"label": "Retry", "description": "Once more", "identifier": "retry"}
    run = await bot.post(f"{REPO}/check-runs", {"name": "hob", "head_sha": sha, "actions": [action]})
    await hub.admin("press", check_run=run["id"], identifier="retry")
    pressed = await receiver.wait("check_run.requested_action")
    assert pressed.payload["requested_action"] == {"identifier": "retry"}


async def test_failures_are_recorded_and_redelivered_on_request(hub: Hub, receiver: Receiver) -> None:
    await hub.idle()
    receiver.status = 500
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hi"})
    await hub.idle()
    failed = (await hub.as_app.get("/app/hook/deliveries?per_page=1"))[0]
    assert (failed["event"], failed["status_code"]) == ("issues", 500)
    assert failed["status"] != "OK"
    receiver.status = 202
    whole = await hub.as_app.get(f"/app/hook/deliveries/{failed['id']}")
    assert whole["request"]["payload"]["action"] == "opened"
    await hub.as_app.post(f"/app/hook/deliveries/{failed['id']}/attempts")
    again = await receiver.wait("issues.opened", 2)
    assert again.headers["X-GitHub-Delivery"] == failed["guid"]
    await hub.idle()
    newest = (await hub.as_app.get("/app/hook/deliveries?per_page=1"))[0]
    assert (newest["redelivery"], newest["status"], newest["guid"]) == (True, "OK", failed["guid"])


async def test_slow_and_absent_receivers(hub: Hub, receiver: Receiver) -> None:
    await hub.idle()
    await hub.admin("deliveries", deadline=0.1)
    receiver.delay = 0.5
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hi"})
    await hub.idle()
    assert (await hub.as_app.get("/app/hook/deliveries?per_page=1"))[0]["status"] == "timed out"
    await hub.admin("deliveries", deadline=30)
    await hub.as_app.patch("/app/hook/config", {"url": "http://127.0.0.1:1/"})
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hi"})
    await hub.idle()
    assert (await hub.as_app.get("/app/hook/deliveries?per_page=1"))[0]["status_code"] == 502


async def test_deliveries_are_paged_by_cursor(hub: Hub) -> None:
    await hub.idle()
    every = await hub.as_app.get("/app/hook/deliveries?per_page=100")
    first = await hub.as_app.send("GET", "/app/hook/deliveries?per_page=2")
    link = first.headers["Link"].partition(">")[0].lstrip("<")
    second = await hub.as_app.send("GET", link)
    assert [one["id"] for one in first.data + second.data] == [one["id"] for one in every[:4]]


async def test_lost_failed_and_doubled_deliveries(hub: Hub, receiver: Receiver) -> None:
    await hub.idle()
    for kind in ("lose", "fail", "duplicate"):
        await hub.admin("deliveries", kind=kind, event="issues")
        await hub.as_maintainer.post(f"{REPO}/issues", {"title": kind})
        await hub.idle()
    titles = [one.payload["issue"]["title"] for one in receiver.all("issues.opened")]
    assert titles == ["duplicate", "duplicate"]
    guids = {one.headers["X-GitHub-Delivery"] for one in receiver.all("issues.opened")}
    assert len(guids) == 1
    recorded = await hub.as_app.get("/app/hook/deliveries?per_page=2")
    assert [one["status"] == "OK" for one in recorded] == [True, False]


async def test_only_what_the_app_subscribes_to(hub: Hub, receiver: Receiver) -> None:
    await hub.idle()
    hub.hub.state.run("UPDATE installations SET events_json = '[\"issues\"]'")
    await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Hi"})
    await hub.as_maintainer.post(f"{REPO}/issues/1/comments", {"body": "Hi"})
    await hub.idle()
    assert [name for name in receiver.names() if name.startswith("issue")] == ["issues.opened"]


async def test_an_organizations_events_name_it(hub: Hub, receiver: Receiver) -> None:
    await hub.as_maintainer.post("/orgs/workshop/repos", {"name": "tools"})
    await hub.as_maintainer.post("/repos/workshop/tools/issues", {"title": "Hi"})
    sent = await receiver.wait("issues.opened")
    assert sent.payload["organization"]["login"] == "workshop"
    assert sent.payload["installation"]["id"] != hub.installation_id
