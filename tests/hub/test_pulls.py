"""Pull requests: opened, reviewed, followed while their branches move, merged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub import Client, Hub, running_hub

REPO = "/repos/maintainer/demo"
NUMBERS = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A repository with a branch ``topic`` that changes line 10 of a.txt and adds b.txt."""
    async with running_hub(tmp_path) as running:
        await running.seed_repo("demo", {"a.txt": NUMBERS})
        changed = NUMBERS.replace("line 10\n", "line ten\n")
        await running.push_files("demo", {"a.txt": changed, "b.txt": "b\n"}, "Say ten", branch="topic")
        yield running


@pytest.fixture
def me(hub: Hub) -> Client:
    return hub.as_maintainer


async def opened(client: Client, **more: Any) -> dict[str, Any]:
    body = {"title": "Ten", "body": "In words", "head": "topic", "base": "main", **more}
    made: dict[str, Any] = await client.post(f"{REPO}/pulls", body)
    return made


async def test_a_pull_request_knows_its_change(hub: Hub, me: Client) -> None:
    bot = await hub.as_bot()
    pull = await opened(bot, draft=True)
    assert (pull["number"], pull["draft"], pull["mergeable"], pull["user"]["login"]) == (
        1,
        True,
        True,
        "hob[bot]",
    )
    sizes = (pull["commits"], pull["additions"], pull["deletions"], pull["changed_files"])
    assert sizes == (1, 2, 1, 2)
    files = await me.get(f"{REPO}/pulls/1/files")
    assert [(one["filename"], one["status"]) for one in files] == [("a.txt", "modified"), ("b.txt", "added")]
    assert len(await me.get(f"{REPO}/pulls/1/commits")) == 1
    diff = await me.send("GET", f"{REPO}/pulls/1", headers={"Accept": "application/vnd.github.v3.diff"})
    assert "+line ten" in diff.text
    patch = await me.send("GET", f"{REPO}/pulls/1", headers={"Accept": "application/vnd.github.patch"})
    assert "Subject: [PATCH] Say ten" in patch.text
    assert [one["number"] for one in await me.get(f"{REPO}/pulls?head=maintainer:topic")] == [1]
    assert await me.get(f"{REPO}/pulls?head=maintainer:other") == []
    assert (await me.get(f"{REPO}/issues/1"))["pull_request"]["url"].endswith("/pulls/1")


async def test_pull_requests_that_cannot_be(me: Client) -> None:
    cases: list[tuple[dict[str, str], str | None, str | None]] = [
        ({"head": "nothing"}, "head", None),
        ({"base": "nothing"}, "base", None),
        ({"head": "main"}, None, "No commits between main and main"),
        ({"title": " "}, "title", None),
        ({"body": "x" * 65_537}, "body", "body is too long (maximum is 65536 characters)"),
    ]
    for changes, field, words in cases:
        body = {"title": "Ten", "head": "topic", "base": "main", **changes}
        answer = await me.send("POST", f"{REPO}/pulls", body)
        assert (answer.status, answer.data["message"]) == (422, "Validation Failed")
        error = answer.data["errors"][0]
        assert (error.get("field"), error.get("message")) == (field, words)


async def test_one_pull_request_for_a_branch(hub: Hub, me: Client) -> None:
    await opened(me)
    again = await me.send("POST", f"{REPO}/pulls", {"title": "Ten", "head": "topic", "base": "main"})
    assert again.status == 422
    assert again.data["errors"][0]["message"] == "A pull request already exists for maintainer:topic."
    await me.patch(f"{REPO}/pulls/1", {"state": "closed"})
    assert (await opened(me))["number"] == 2


async def test_strangers_need_a_fork(hub: Hub) -> None:
    body = {"title": "Ten", "head": "topic", "base": "main"}
    assert (await hub.as_stranger.send("POST", f"{REPO}/pulls", body)).status == 403
    await hub.as_stranger.post(f"{REPO}/forks")
    pull = await hub.as_stranger.post(f"{REPO}/pulls", body | {"head": "stranger:topic"})
    assert pull["head"]["repo"]["full_name"] == "stranger/demo"
    assert pull["head"]["label"] == "stranger:topic"
    assert pull["maintainer_can_modify"] is True


async def test_a_pull_request_follows_its_branches(hub: Hub, me: Client) -> None:
    await opened(me)
    sha = await hub.push_files("demo", {"c.txt": "c\n"}, "More", branch="topic")
    pull = await me.get(f"{REPO}/pulls/1")
    assert (pull["head"]["sha"], pull["commits"], pull["changed_files"]) == (sha, 2, 3)
    assert (await hub.git("ls-remote", hub.git_url("demo"), "refs/pull/1/head")).split()[0] == sha
    await hub.push_files("demo", {"a.txt": NUMBERS.replace("line 10\n", "line X\n")}, "Other", branch="main")
    conflicting = await me.get(f"{REPO}/pulls/1")
    assert (conflicting["mergeable"], conflicting["mergeable_state"]) == (False, "dirty")
    assert (await me.send("PUT", f"{REPO}/pulls/1/merge", {})).status == 405
    await me.delete(f"{REPO}/git/refs/heads/topic")
    assert (await me.get(f"{REPO}/pulls/1"))["state"] == "closed"
    assert (await me.send("PATCH", f"{REPO}/pulls/1", {"state": "open"})).status == 422


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_merging_closes_what_it_fixes(hub: Hub, me: Client, method: str) -> None:
    await me.post(f"{REPO}/issues", {"title": "Ten"})
    await me.post(f"{REPO}/issues", {"title": "Not this"})
    await opened(me, body="Fixes #1, mentions #2, closes other/repo#2", draft=True)
    assert (await me.send("PUT", f"{REPO}/pulls/3/merge", {})).status == 405
    query = """mutation($id: ID!) {
        markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"""
    node = (await me.get(f"{REPO}/pulls/3"))["node_id"]
    await me.graphql(query, id=node)
    stale = await me.send("PUT", f"{REPO}/pulls/3/merge", {"sha": "0" * 40})
    assert stale.status == 409
    merged = await me.put(f"{REPO}/pulls/3/merge", {"merge_method": method})
    assert merged["merged"] is True
    assert (await me.get(f"{REPO}/branches/main"))["commit"]["sha"] == merged["sha"]
    parents = {"merge": 2, "squash": 1, "rebase": 1}
    assert len((await me.get(f"{REPO}/commits/main"))["parents"]) == parents[method]
    pull = await me.get(f"{REPO}/pulls/3")
    assert (pull["state"], pull["merged"], pull["merged_by"]["login"]) == ("closed", True, "maintainer")
    states = {one["number"]: one["state"] for one in await me.get(f"{REPO}/issues?state=all")}
    assert states == {1: "closed", 2: "open", 3: "closed"}


async def test_a_push_to_the_base_merges_too(hub: Hub, me: Client) -> None:
    await opened(me)
    folder = hub.worktree("demo")
    await hub.git("checkout", "-q", "main", cwd=folder)
    await hub.git("merge", "-q", "topic", cwd=folder)
    await hub.git("push", "-q", "origin", "main", cwd=folder)
    assert (await me.get(f"{REPO}/pulls/1"))["merged"] is True


async def test_a_review_with_comments_on_lines(hub: Hub, me: Client) -> None:
    bot = await hub.as_bot()
    pull = await opened(bot)
    comments = [
        {"path": "a.txt", "line": 10, "side": "RIGHT", "body": "In words"},
        {"path": "a.txt", "line": 10, "side": "LEFT", "body": "It was a number"},
        {
            "path": "a.txt",
            "line": 12,
            "start_line": 9,
            "start_side": "RIGHT",
            "side": "RIGHT",
            "body": "Around",
        },
        {"path": "b.txt", "position": 1, "body": "New"},
    ]
    review = await bot.post(
        f"{REPO}/pulls/1/reviews",
        {"commit_id": pull["head"]["sha"], "event": "COMMENT", "body": "See", "comments": comments},
    )
    assert (review["state"], review["user"]["login"]) == ("COMMENTED", "hob[bot]")
    made = await me.get(f"{REPO}/pulls/1/comments")
    assert [(one["path"], one["side"], one["line"], one["position"]) for one in made] == [
        ("a.txt", "RIGHT", 10, 5), ("a.txt", "LEFT", 10, 4), ("a.txt", "RIGHT", 12, 7),
        ("b.txt", "RIGHT", 1, 1),
    ]  # fmt: skip
    assert made[0]["diff_hunk"].endswith("-line 10\n+line ten")
    assert made[2]["start_line"] == 9
    answer = await me.post(f"{REPO}/pulls/1/comments/{made[0]['id']}/replies", {"body": "Good"})
    assert (answer["in_reply_to_id"], answer["line"]) == (made[0]["id"], 10)
    again = await me.send("POST", f"{REPO}/pulls/1/comments/{answer['id']}/replies", {"body": "No"})
    assert again.status == 422
    assert len(await me.get(f"{REPO}/pulls/1/reviews/{review['id']}/comments")) == 4


async def test_one_bad_comment_refuses_the_review(me: Client) -> None:
    await opened(me)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"path": "a.txt", "line": 25}, "Line could not be resolved"),
        ({"path": "none.txt", "line": 1}, "Path could not be resolved"),
        ({"path": "a.txt", "line": 10, "start_line": 10}, "must precede the end line"),
        ({"path": "a.txt", "line": 10, "start_line": 2}, "Start line could not be resolved"),
        ({"path": "b.txt", "line": 1, "side": "LEFT"}, "Line could not be resolved"),
        ({"path": "a.txt", "position": 99}, "Position could not be resolved"),
    ]
    for comment, words in cases:
        good = {"path": "a.txt", "line": 10, "body": "Good"}
        body = {"event": "COMMENT", "body": "See", "comments": [good, {"body": "Bad", **comment}]}
        answer = await me.send("POST", f"{REPO}/pulls/1/reviews", body)
        assert answer.status == 422
        assert words in answer.data["errors"][0]
    assert await me.get(f"{REPO}/pulls/1/comments") == []
    assert await me.get(f"{REPO}/pulls/1/reviews") == []


async def test_comments_move_with_their_lines_or_become_outdated(hub: Hub, me: Client) -> None:
    await opened(me)
    lines = [{"path": "a.txt", "line": line, "body": f"on {line}"} for line in (9, 10)]
    await me.post(f"{REPO}/pulls/1/reviews", {"event": "COMMENT", "body": "See", "comments": lines})
    text = "line zero\n" + NUMBERS.replace("line 10\n", "line 10!\n")
    head = await hub.push_files("demo", {"a.txt": text}, "Again", branch="topic")
    moved, outdated = await me.get(f"{REPO}/pulls/1/comments")
    assert (moved["line"], moved["original_line"], moved["commit_id"]) == (10, 9, head)
    assert (outdated["line"], outdated["position"], outdated["original_line"]) == (None, None, 10)


async def test_verdicts(hub: Hub, me: Client) -> None:
    bot = await hub.as_bot()
    await opened(bot)
    own = await bot.send("POST", f"{REPO}/pulls/1/reviews", {"event": "APPROVE"})
    assert own.status == 422
    assert own.data["errors"] == ["Can not approve your own pull request"]
    assert (await me.send("POST", f"{REPO}/pulls/1/reviews", {"event": "REQUEST_CHANGES"})).status == 422
    wanted = await me.post(f"{REPO}/pulls/1/reviews", {"event": "REQUEST_CHANGES", "body": "No"})
    dismissed = await me.put(f"{REPO}/pulls/1/reviews/{wanted['id']}/dismissals", {"message": "Well"})
    assert dismissed["state"] == "DISMISSED"
    pending = await me.post(f"{REPO}/pulls/1/reviews", {"body": "Hm"})
    assert (pending["state"], "submitted_at" in pending) == ("PENDING", False)
    assert len(await bot.get(f"{REPO}/pulls/1/reviews")) == 1
    done = await me.post(f"{REPO}/pulls/1/reviews/{pending['id']}/events", {"event": "APPROVE"})
    assert done["state"] == "APPROVED"


async def test_reviewers_are_asked(hub: Hub, me: Client) -> None:
    bot = await hub.as_bot()
    await opened(bot)
    asked = await bot.post(f"{REPO}/pulls/1/requested_reviewers", {"reviewers": ["maintainer"]})
    assert [one["login"] for one in asked["requested_reviewers"]] == ["maintainer"]
    await me.post(f"{REPO}/pulls/1/reviews", {"event": "APPROVE"})
    assert (await me.get(f"{REPO}/pulls/1/requested_reviewers"))["users"] == []
