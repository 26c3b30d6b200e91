"""Issues, comments, labels and reactions through REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hub import Client, Hub, judged_hub

REPO = "/repos/maintainer/demo"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with judged_hub(tmp_path) as running:
        await running.as_maintainer.post("/user/repos", {"name": "demo"})
        yield running


@pytest.fixture
def me(hub: Hub) -> Client:
    return hub.as_maintainer


async def test_an_issue_from_open_to_closed(hub: Hub, me: Client) -> None:
    made = await me.post(f"{REPO}/issues", {"title": "Slow", "body": "Very", "labels": ["bug", "new one"]})
    assert made["html_url"] == f"{hub.web_url}/maintainer/demo/issues/1"
    assert {label["name"] for label in made["labels"]} == {"bug", "new one"}
    assert made["user"]["login"] == "maintainer"
    await me.patch(
        f"{REPO}/issues/1", {"title": "Too slow", "state": "closed", "state_reason": "not_planned"}
    )
    closed = await me.get(f"{REPO}/issues/1")
    assert (closed["title"], closed["state_reason"], closed["closed_by"]["login"]) == (
        "Too slow", "not_planned", "maintainer",
    )  # fmt: skip
    assert await me.get(f"{REPO}/issues") == []
    await me.patch(f"{REPO}/issues/1", {"state": "open"})
    assert [one["number"] for one in await me.get(f"{REPO}/issues?labels=BUG&state=all")] == [1]


async def test_refusals_have_githubs_shape(me: Client) -> None:
    missing = await me.send("POST", f"{REPO}/issues", {"body": "No title"})
    assert missing.status == 422
    assert missing.data["message"] == 'Invalid request.\n\n"title" wasn\'t supplied.'
    blank = await me.send("POST", f"{REPO}/issues", {"title": " "})
    assert blank.data["message"] == "Validation Failed"
    assert blank.data["errors"] == [{"resource": "Issue", "code": "missing_field", "field": "title"}]
    await me.post(f"{REPO}/issues", {"title": "A"})
    too_long = await me.send("POST", f"{REPO}/issues/1/comments", {"body": "x" * 65_537})
    assert too_long.status == 422
    assert "is too long (maximum is 65536 characters)" in too_long.data["errors"][0]["message"]
    await me.post(f"{REPO}/issues/1/comments", {"body": "x" * 65_536})
    assert (await me.send("POST", f"{REPO}/issues/1/comments", {"body": " "})).status == 422
    assert (await me.send("POST", f"{REPO}/issues/1/comments", {"body": 3})).status == 422
    assert (await me.send("GET", f"{REPO}/issues/99")).data["message"] == "Not Found"


async def test_comments_are_paged_with_links(hub: Hub, me: Client) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    for number in range(5):
        await me.post(f"{REPO}/issues/1/comments", {"body": f"{number}"})
    first = await me.send("GET", f"{REPO}/issues/1/comments?per_page=2")
    assert [one["body"] for one in first.data] == ["0", "1"]
    assert f'<{hub.api_url}{REPO}/issues/1/comments?per_page=2&page=2>; rel="next"' in first.headers["Link"]
    assert 'page=3>; rel="last"' in first.headers["Link"]
    last = await me.send("GET", f"{REPO}/issues/1/comments?per_page=2&page=3")
    assert [one["body"] for one in last.data] == ["4"]
    assert 'rel="next"' not in last.headers["Link"]
    assert (await me.get(f"{REPO}/issues/1"))["comments"] == 5


async def test_comments_since_edit_and_delete(hub: Hub, me: Client) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    old = await me.post(f"{REPO}/issues/1/comments", {"body": "old"})
    await hub.admin("clock", offset=100)
    new = await me.post(f"{REPO}/issues/1/comments", {"body": "new"})
    found = await me.get(f"{REPO}/issues/1/comments?since={new['created_at']}")
    assert [one["id"] for one in found] == [new["id"]]
    edited = await me.patch(f"{REPO}/issues/comments/{old['id']}", {"body": "older"})
    assert edited["updated_at"] > edited["created_at"]
    assert len(await me.get(f"{REPO}/issues/1/comments?since={new['created_at']}")) == 2
    await me.delete(f"{REPO}/issues/comments/{old['id']}")
    assert (await me.send("GET", f"{REPO}/issues/comments/{old['id']}")).status == 404


async def test_a_bot_writes_as_itself(hub: Hub, me: Client) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    bot = await hub.as_bot()
    made = await bot.post(f"{REPO}/issues/1/comments", {"body": "On it"})
    assert (made["user"]["login"], made["user"]["type"]) == ("hob[bot]", "Bot")
    assert made["performed_via_github_app"]["id"] == hub.app_id
    assert (await me.get(f"{REPO}/issues/1"))["performed_via_github_app"] is None
    only_pulls = await hub.as_bot(permissions={"pull_requests": "write"})
    refused = await only_pulls.send("POST", f"{REPO}/issues/1/comments", {"body": "Hello"})
    assert refused.status == 403


@pytest.mark.parametrize("on_comment", [False, True])
async def test_reactions_are_given_once(hub: Hub, me: Client, on_comment: bool) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    comment = await me.post(f"{REPO}/issues/1/comments", {"body": "Hi"})
    subject = f"{REPO}/issues/comments/{comment['id']}" if on_comment else f"{REPO}/issues/1"
    bot = await hub.as_bot()
    first = await bot.send("POST", f"{subject}/reactions", {"content": "eyes"})
    again = await bot.send("POST", f"{subject}/reactions", {"content": "eyes"})
    assert (first.status, again.status) == (201, 200)
    assert first.data["id"] == again.data["id"]
    assert (await me.get(subject))["reactions"]["eyes"] == 1
    assert (await bot.send("POST", f"{subject}/reactions", {"content": "shrug"})).status == 422
    assert (await me.send("DELETE", f"{subject}/reactions/{first.data['id']}")).status == 403
    await bot.delete(f"{subject}/reactions/{first.data['id']}")
    assert await me.get(f"{subject}/reactions") == []


async def test_labels_of_repository_and_issue(me: Client) -> None:
    assert "bug" in {label["name"] for label in await me.get(f"{REPO}/labels")}
    await me.post(f"{REPO}/labels", {"name": "hob: go", "color": "abcdef"})
    assert (await me.send("POST", f"{REPO}/labels", {"name": "HOB: go"})).status == 422
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    await me.post(f"{REPO}/issues/1/labels", {"labels": ["hob: go", "bug"]})
    left = await me.send("DELETE", f"{REPO}/issues/1/labels/hob%3A%20go")
    assert [label["name"] for label in left.data] == ["bug"]
    await me.put(f"{REPO}/issues/1/labels", {"labels": ["question"]})
    assert [label["name"] for label in await me.get(f"{REPO}/issues/1/labels")] == ["question"]
    await me.patch(f"{REPO}/labels/question", {"new_name": "ask"})
    assert (await me.get(f"{REPO}/issues/1"))["labels"][0]["name"] == "ask"


async def test_locked_conversations(hub: Hub, me: Client) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    await me.put(f"{REPO}/issues/1/lock")
    assert (await hub.as_stranger.send("POST", f"{REPO}/issues/1/comments", {"body": "x"})).status == 403
    await me.post(f"{REPO}/issues/1/comments", {"body": "x"})


async def test_what_has_not_changed_is_304(hub: Hub, me: Client) -> None:
    await me.post(f"{REPO}/issues", {"title": "Talk"})
    first = await me.send("GET", f"{REPO}/issues/1")
    same = {"If-None-Match": first.headers["ETag"]}
    again = await me.send("GET", f"{REPO}/issues/1", headers=same)
    assert (again.status, again.text) == (304, "")
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]
    await me.post(f"{REPO}/issues/1/comments", {"body": "x"})
    assert (await me.send("GET", f"{REPO}/issues/1", headers=same)).status == 200
    for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-github-request-id"):
        assert first.headers[name]


async def test_json_that_is_none(hub: Hub) -> None:
    import aiohttp

    headers = {"Authorization": f"Bearer {hub.as_maintainer.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for body in (b"{", b"[1]", b"\xff"):
            async with session.post(f"{hub.api_url}{REPO}/issues", data=body) as response:
                assert response.status == 400, body
