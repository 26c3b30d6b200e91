"""A review, replies and a check run in one request: each part is done or refused by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from bot.errors import Parked
from bot.github.app import RepoApi
from bot.github.graphql.review_threads import ThreadReply
from bot.github.graphql.together import CheckRunDraft, ReviewDraft
from bot.github.http.responses import Forbidden, Rejected
from bot.run.publish.say_beside import Drafts, post_drafts
from tests.support.github_scripted import Script, github, scripted
from tests.unit.github.test_against_localhub import BRANCH, REPO, World, world  # noqa: F401

SHA = "0" * 40
ON = {"path": "code.txt", "line": 3, "side": "RIGHT", "body": "Now a row"}
OFF = {"path": "gone.txt", "line": 700, "side": "RIGHT", "body": "look here"}
NO_WRITES = ("/access_tokens", "query Ids")


def proof_of(head: str, count: int = 0) -> CheckRunDraft:
    at_line = {"path": "code.txt", "start_line": 1, "end_line": 1}
    mark = {**at_line, "annotation_level": "failure", "message": "fails"}
    return CheckRunDraft(
        head_sha=head,
        name="Hob proof",
        conclusion="failure",
        title="The proof",
        summary="2 tests",
        external_id="7",
        annotations=[mark | {"title": f"test {at}"} for at in range(count)],
        actions=[{"label": "Fix this", "description": "Have it mended", "identifier": "fix"}],
    )


async def open_thread(repo: RepoApi, number: int, head: str) -> str:
    """A thread to be answered."""
    await repo.reviews.create(number, head, "See", [ON])
    (thread,) = await repo.review_threads.list_threads(number)
    return thread.id


async def list_writes(world: World) -> list[str]:  # noqa: F811
    """What the bot wrote since the last look."""
    made = await world.hub.admin("requests", clear=True)
    told = [f"{one['method']} {one['path']} {one.get('graphql', '')}" for one in made]
    return [one for one in told if not one.startswith("GET") and not any(word in one for word in NO_WRITES)]


async def test_what_is_said_at_one_moment_is_one_request(world: World) -> None:  # noqa: F811
    repo, head = world.repo, await world.branch()
    number = (await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")).number
    thread = await open_thread(repo, number, head)
    await world.hub.admin("requests", clear=True)
    drafts = Drafts(
        review=ReviewDraft(commit=head, body="What to look at:", comments=[ON | {"body": "And this"}]),
        replies=[ThreadReply(thread=thread, body="It is in.")],
        check_run=proof_of(head, 60),
    )
    answers, refused = await post_drafts(repo, number, drafts)
    assert not refused and set(answers) == {"review", "reply", "check run"}
    said, annotated = await list_writes(world)
    assert said.startswith("POST /api/graphql mutation")
    assert annotated.startswith(f"PATCH /api{REPO}/check-runs/")
    texts = [one.body for one in await repo.reviews.list_comments(number)]
    assert texts == ["Now a row", "And this", "It is in."]
    found = await repo.checks.find(head, "Hob proof", "7")
    assert found and (found.conclusion, found.title) == ("failure", "The proof")
    assert answers["check run"]["id"] == found.id
    notes = await world.hub.as_maintainer.get(f"{REPO}/check-runs/{found.id}/annotations?per_page=100")
    assert [one["title"] for one in notes] == [f"test {at}" for at in range(60)]
    assert await repo.reviews.get(number, answers["review"]["id"])


async def test_a_review_that_is_refused_leaves_the_rest_and_still_arrives(world: World) -> None:  # noqa: F811
    repo, head = world.repo, await world.branch()
    number = (await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")).number
    review = ReviewDraft(commit=head, body="What to look at:", comments=[OFF])
    answers, refused = await post_drafts(repo, number, Drafts(review=review, check_run=proof_of(head)))
    assert not refused and set(answers) == {"review", "check run"}
    (shown,) = await world.hub.as_maintainer.get(f"{REPO}/pulls/{number}/reviews")
    assert "What to look at:" in shown["body"] and "look here" in shown["body"]


async def test_a_permission_that_is_missing_costs_its_part_alone(world: World) -> None:  # noqa: F811
    repo, head = world.repo, await world.branch()
    number = (await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")).number
    granted = {"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write"}
    await world.hub.admin("installation", id=world.hub.installation_id, permissions=granted)
    world.gh.forget_installation(world.hub.installation_id)
    review = ReviewDraft(commit=head, body="See", comments=[ON])
    answers, refused = await post_drafts(world.repo, number, Drafts(review=review, check_run=proof_of(head)))
    assert set(answers) == {"review"}
    error = refused["check run"]
    assert isinstance(error, Forbidden) and "`checks: write`" in error.message


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted() as running:
        running.on("GET /app", {"id": 7, "slug": "hob"})
        running.on("GET /app/installations", [{"id": 11}])
        running.on("GET /users/hob[bot]", {"id": 77, "login": "hob[bot]"})
        yield running


def answer_say(script: Script, data: Mapping[str, Any] | None, *errors: Mapping[str, Any]) -> None:
    """What GraphQL answers to the look for node ids, and then to the mutation."""
    ids = {"data": {"repository": {"id": "R", "pullRequest": {"id": "P"}}}}
    script.on("POST /graphql", ids, {"data": data, **({"errors": list(errors)} if errors else {})})


def posted(*bodies: str) -> dict[str, Any]:
    """GraphQL's answer to a review, with the comments that it took."""
    review = {"fullDatabaseId": "3400000009", "url": "https://gh/r", "submittedAt": None}
    return {"pullRequestReview": review | {"comments": {"nodes": [{"body": body} for body in bodies]}}}


async def test_what_github_leaves_out_without_a_word_is_said_all_the_same(script: Script) -> None:
    """A thread off the diff may be dropped, and a check run not be made, without an error."""
    answer_say(script, {"review": posted("Now a row"), "check": {"checkRun": None}})
    script.on("POST /repos/octo/demo/pulls/1/reviews", {"id": 4, "html_url": "https://gh/r4"})
    script.on("POST /repos/octo/demo/check-runs", {"id": 5})
    review = ReviewDraft(commit=SHA, body="See", comments=[ON, OFF])
    async with github(script) as gh:
        repo = gh.for_repo(11, 5, "octo", "demo")
        answers, refused = await post_drafts(repo, 1, Drafts(review=review, check_run=proof_of(SHA)))
    assert not refused
    assert (answers["review"]["id"], answers["check run"]["id"]) == (3400000009, 5)
    (left_out,) = script.asked("POST /repos/octo/demo/pulls/1/reviews")
    assert "look here" in left_out.body["body"] and "Now a row" not in left_out.body["body"]


async def test_a_refused_reply_is_told_and_nothing_is_repeated(script: Script) -> None:
    done = {"reply0": {"comment": {"id": "C"}}, "reply1": None, "check": {"checkRun": {"id": "K"}}}
    error = {"type": "NOT_FOUND", "path": ["reply1"], "message": "Could not resolve to a node"}
    answer_say(script, done, error)
    drafts = Drafts(replies=[ThreadReply(thread=one, body="done") for one in "TU"], check_run=proof_of(SHA))
    async with github(script) as gh:
        answers, refused = await post_drafts(gh.for_repo(11, 5, "octo", "demo"), 1, drafts)
    assert set(answers) == {"check run"} and set(refused) == {"reply"}
    assert answers["check run"]["id"] == 0 and answers["check run"]["conclusion"] == "failure"
    assert len(script.asked("POST /graphql")) == 2


async def test_a_limit_holds_up_all_of_it(script: Script) -> None:
    error = {"type": "RATE_LIMITED", "path": ["reply0"], "message": "API rate limit"}
    answer_say(script, {"reply0": None}, error)
    drafts = Drafts(replies=[ThreadReply(thread="T", body="done")], check_run=proof_of(SHA))
    async with github(script) as gh:
        with pytest.raises(Parked):
            await post_drafts(gh.for_repo(11, 5, "octo", "demo"), 1, drafts)


async def test_what_is_refused_as_a_whole_is_said_part_by_part(script: Script) -> None:
    """As by a server whose GraphQL has not one of the fields."""
    words = "Field 'createCheckRun' doesn't exist on type 'Mutation'"
    error = {"message": words, "path": ["mutation Say", "check"], "extensions": {"code": "undefinedField"}}
    script.on(
        "POST /graphql",
        {"data": {"repository": {"id": "R", "pullRequest": {"id": "P"}}}},
        {"errors": [error]},
    )
    script.on("POST /repos/octo/demo/pulls/1/reviews", {"id": 4, "html_url": "https://gh/r4"})
    script.on("POST /repos/octo/demo/check-runs", (422, {"message": "No commit found for SHA"}))
    drafts = Drafts(review=ReviewDraft(commit=SHA, body="See"), check_run=proof_of(SHA))
    async with github(script) as gh:
        answers, refused = await post_drafts(gh.for_repo(11, 5, "octo", "demo"), 1, drafts)
    assert set(answers) == {"review"} and isinstance(refused["check run"], Rejected)
