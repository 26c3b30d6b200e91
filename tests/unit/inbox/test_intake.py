"""Deliveries taken by a worker: a real database, the real client, and a GitHub that answers as scripted."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.domain import Directive, DirectiveWord, Task, TaskKind, TaskState
from bot.errors import Parked, Retry
from bot.github.app import GitHub
from bot.inbox.delivery_context import OperatorConfig
from bot.inbox.intake import Intake
from bot.tasks.database.tables import AttemptState, DeliveryState
from bot.tasks.store import Store
from tests.support.github_scripted import Script, Seen, comment_json, github, scripted
from tests.support.payloads import (
    ALICE,
    APP,
    BOB,
    BOT,
    Json,
    envelope,
    installation,
    issue,
    issue_comment,
    labeled,
    pull,
    review_comment,
    user,
    with_value,
)
from tests.support.tasks import add_delivery

REPO = "/repos/octo/app"
EYES = f"POST {REPO}/issues/comments/3001/reactions"
COMMENTS = f"POST {REPO}/issues/3/comments"

PEOPLE = {"alice": ALICE, "bob": BOB}


class Scene:
    """An intake between a store and a script, and short ways to use it."""

    def __init__(self, store: Store, script: Script, hub: GitHub) -> None:
        self.store, self.script = store, script
        self._hub = hub
        self.intake = Intake(store, hub, APP)
        self.numbers = itertools.count(1)
        for login in ("alice", "bob"):
            self.may(login, "write")
        for number in (3, 4):
            script.on(f"GET {REPO}/issues/{number}", {"number": number, "comments": 0})
            script.on(f"GET {REPO}/issues/{number}/comments", [])
            made = (201, comment_json(8001, user=BOT))
            script.on(f"POST {REPO}/issues/{number}/comments", made)
            script.on(f"POST {REPO}/issues/{number}/reactions", (201, {"id": 1}))
        for path in ("issues/comments/3001", "pulls/comments/5001"):
            script.on(f"POST {REPO}/{path}/reactions", (201, {"id": 1}))
        script.on(f"GET {REPO}/pulls/4", pull())

    def consent(self) -> None:
        """The operator lets the label be made from now on."""
        self.intake = Intake(self.store, self._hub, APP, OperatorConfig(create_label=True))

    def end_limit(self) -> None:
        """What GitHub asked to wait for is over."""
        self._hub.forget_installation(55)

    def may(self, login: str, *answers: Any) -> None:
        replies = [
            {"permission": a, "role_name": a, "user": PEOPLE[login]} if isinstance(a, str) else a
            for a in answers
        ]
        self.script.on(f"GET {REPO}/collaborators/{login}/permission", *replies)

    async def give(self, name: str, payload: Json, guid: str = "") -> tuple[DeliveryState, str]:
        guid = await self.deliver(name, payload, guid)
        await self.intake.take(guid)
        return await self.ended(guid)

    async def deliver(self, name: str, payload: Json, guid: str = "") -> str:
        guid = guid or f"00000000-0000-0000-0000-{next(self.numbers):012d}"
        await add_delivery(self.store, guid, name, json.dumps(payload).encode(), {})
        return guid

    async def ended(self, guid: str) -> tuple[DeliveryState, str]:
        delivery = await self.store.get_delivery(guid)
        assert delivery is not None
        return delivery.state, delivery.reason

    async def tasks(self) -> list[Task]:
        return sorted(await self.store.list_tasks(50), key=lambda task: task.id)

    def comments(self, number: int = 3) -> list[str]:
        return [seen.body["body"] for seen in self.script.asked(f"POST {REPO}/issues/{number}/comments")]

    def wrote(self) -> list[str]:
        written = (seen for seen in self.script.seen if seen.method not in ("GET", "HEAD"))
        return [f"{seen.method} {seen.path}" for seen in written if "access_tokens" not in seen.path]


@pytest_asyncio.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    async with scripted() as script, github(script) as hub:
        script.on("GET /app", {"id": 7, "slug": "hob"})
        script.on("GET /app/installations", [{"id": 55}])
        script.on("GET /users/hob[bot]", BOT)
        yield Scene(store, script, hub)


async def test_a_mention_becomes_a_task_and_gets_eyes(scene: Scene) -> None:
    state, reason = await scene.give("issue_comment", issue_comment("@hob return 0 for []"))
    [task] = await scene.tasks()
    assert (state, reason) == (DeliveryState.HANDLED, f"task {task.id}")
    assert (task.kind, task.state, task.request) == (TaskKind.CHANGE, TaskState.QUEUED, "return 0 for []")
    assert (task.requester.login, task.installation, task.thread.number) == ("alice", 55, 3)
    assert [seen.body for seen in scene.script.asked(EYES)] == [{"content": "eyes"}]
    assert scene.wrote() == [EYES]


async def test_s04_the_same_delivery_again_is_one_task(scene: Scene) -> None:
    payload = issue_comment("@hob x")
    guid = await scene.deliver("issue_comment", payload)
    await asyncio.gather(*(scene.intake.take(guid) for _ in range(5)))
    await scene.intake.take(guid)
    await scene.intake.take("unknown")
    assert len(await scene.tasks()) == 1


async def test_s61_strangers_are_refused_once_on_a_thread(scene: Scene) -> None:
    scene.may("alice", "read")
    for number in range(3):
        payload = with_value(issue_comment("@hob do it"), "comment.id", 3001 + number)
        state, reason = await scene.give("issue_comment", payload)
        assert (state, reason) == (DeliveryState.HANDLED, "refused: no write permission")
    scene.may("bob", (404, {"message": "bob is not a user"}))
    await scene.give("issue_comment", issue_comment("@hob do it", author=BOB))
    assert await scene.tasks() == []
    (first,) = scene.comments()
    assert "`read` access" in first
    assert "@hob" not in first.replace("<!--", "")
    assert scene.wrote() == [COMMENTS, EYES], "one reply a day; the next stranger gets a sign"
    assert scene.script.asked(EYES)[-1].body == {"content": "confused"}


async def test_s62_the_association_in_the_payload_is_never_believed(scene: Scene) -> None:
    scene.may("alice", "admin")
    await scene.give("issue_comment", issue_comment("@hob a"))
    scene.may("bob", "read")
    flattered = with_value(issue_comment("@hob b", author=BOB), "comment.author_association", "OWNER")
    await scene.give("issue_comment", flattered)
    assert [task.requester.login for task in await scene.tasks()] == ["alice"]


async def test_s64_when_github_cannot_be_asked_nothing_is_granted(scene: Scene) -> None:
    guid = await scene.deliver("issue_comment", issue_comment("@hob x"))
    scene.may("alice", (503, {}))
    with pytest.raises(Retry):
        await scene.intake.take(guid)
    assert await scene.tasks() == [] and (await scene.ended(guid))[0] is DeliveryState.NEW
    scene.may("alice", "write")
    await scene.intake.take(guid)
    assert len(await scene.tasks()) == 1
    scene.may("bob", (403, {"message": "Resource not accessible by integration"}))
    with pytest.raises(Parked, match="ermission"):
        await scene.give("issue_comment", issue_comment("@hob x", author=BOB))
    assert len(await scene.tasks()) == 1 and scene.comments() == []


REFUSED = {  # what GitHub refuses for a while: route, answer
    "no token": ("POST /app/installations/55/access_tokens", (401, {"message": "Bad credentials"})),
    "no installation": ("POST /app/installations/55/access_tokens", (404, {"message": "Not Found"})),
    "no access to the repository": ("POST /app/installations/55/access_tokens", (422, {"message": "no"})),
    "no permission": (f"GET {REPO}/collaborators/alice/permission", (403, {"message": "Forbidden by rule"})),
    "no repository": (f"GET {REPO}/collaborators/alice/permission", (404, {"message": "Not Found"})),
    "no pull request": (f"GET {REPO}/pulls/4", (404, {"message": "Not Found"})),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_github_refuses_for_a_while_is_asked_again(scene: Scene, what: str) -> None:
    route, answer = REFUSED[what]
    before = scene.script.replies.pop(route, None)
    scene.script.on(route, answer)
    guid = await scene.deliver("issue_comment", issue_comment("@hob x", on_pull=BOT))
    for _ in range(2):
        with pytest.raises(Parked):
            await scene.intake.take(guid)
    assert (await scene.ended(guid))[0] is DeliveryState.NEW and scene.wrote() == []
    scene.script.replies.pop(route)
    if before:
        scene.script.on(route, *before)
    await scene.intake.take(guid)
    assert (await scene.ended(guid))[0] is DeliveryState.HANDLED and len(await scene.tasks()) == 1


async def grow_old(scene: Scene, hours: int = 7) -> None:
    """Let so many hours pass for every delivery."""
    async with scene.store.engine.begin() as connection:
        older = "UPDATE deliveries SET received_at = received_at - make_interval(hours => :hours)"
        await connection.execute(text(older), {"hours": hours})


async def test_after_hours_the_thread_is_told_by_whatever_token_there_is_and_it_can_be_retried(
    scene: Scene,
) -> None:
    def mint(seen: Seen) -> Any:
        wanted = set(seen.body["permissions"])
        return (
            scene.script._mint(seen) if wanted == {"issues", "metadata"} else (422, {"message": "no checks"})
        )

    route = "POST /app/installations/55/access_tokens"
    scene.script.on(route, mint)
    guid = await scene.deliver("issue_comment", issue_comment("@hob x"))
    idle = await scene.deliver("issue_comment", issue_comment("no mention"))
    await grow_old(scene)
    for each in (guid, idle):
        await scene.intake.take(each)
    state, reason = await scene.ended(guid)
    assert state is DeliveryState.FAILED and "no checks" in reason
    (said,) = scene.comments()
    assert "could not take this up" in said and "no checks" in said
    (failed,) = await scene.store.list_failed_deliveries()
    assert (failed.guid, failed.event, await scene.store.count_failed_deliveries()) == (
        guid,
        "issue_comment",
        1,
    )
    scene.script.replies.pop(route)
    assert await scene.store.retry_delivery(guid) and not await scene.store.retry_delivery(idle)
    scene.may("alice", (404, {"message": "Not Found"}), "write")
    with pytest.raises(Parked):  # its hours begin anew
        await scene.intake.take(guid)
    await scene.intake.take(guid)
    assert (await scene.ended(guid))[0] is DeliveryState.HANDLED and len(await scene.tasks()) == 1


async def test_a_failure_that_no_token_can_tell_is_kept_and_an_outage_meanwhile_is_waited_for(
    scene: Scene,
) -> None:
    route = "POST /app/installations/55/access_tokens"
    scene.script.on(route, (404, {"message": "Not Found"}))
    guid = await scene.deliver("issue_comment", issue_comment("@hob x"))
    await grow_old(scene)
    await scene.intake.take(guid)
    assert (await scene.ended(guid))[0] is DeliveryState.FAILED and scene.comments() == []
    scene.script.replies.pop(route)
    scene.script.on(COMMENTS, (502, {}))
    with pytest.raises(Retry):
        await scene.intake.report_failure(guid, "a bug")


async def test_a_crash_between_the_task_and_the_eyes_is_made_good(scene: Scene) -> None:
    scene.script.on(EYES, (502, {}), (502, {}), (502, {}), (502, {}), (201, {"id": 1}))
    guid = await scene.deliver("issue_comment", issue_comment("@hob x"))
    with pytest.raises(Retry):
        await scene.intake.take(guid)
    await scene.intake.take(guid)
    [task] = await scene.tasks()
    assert await scene.ended(guid) == (DeliveryState.HANDLED, f"task {task.id}")
    assert await scene.store.list_steering(task.id) == []


async def test_words_that_steered_are_not_asked_again_when_the_eyes_come_late(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob one"))
    [task] = await scene.tasks()
    more = with_value(issue_comment("@hob and two", author=BOB), "comment.id", 3002)
    path = f"POST {REPO}/issues/comments/3002/reactions"
    scene.script.on(path, (502, {}), (502, {}), (502, {}), (502, {}), (201, {"id": 2}))
    guid = await scene.deliver("issue_comment", more)
    with pytest.raises(Retry):
        await scene.intake.take(guid)
    claimed = await scene.store.claim(task.id, "w")
    assert claimed is not None
    await scene.store.release(claimed[1], TaskState.DONE)
    await scene.intake.take(guid)
    assert len(await scene.tasks()) == 1
    assert await scene.ended(guid) == (DeliveryState.HANDLED, f"steers task {task.id}")


async def test_no_right_to_react_does_not_lose_the_task(scene: Scene) -> None:
    scene.script.on(EYES, (403, {"message": "Resource not accessible by integration"}))
    state, _ = await scene.give("issue_comment", issue_comment("@hob x"))
    assert state is DeliveryState.HANDLED and len(await scene.tasks()) == 1


async def test_s22_words_on_a_thread_at_work_steer_it(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob one"))
    [task] = await scene.tasks()
    more = with_value(issue_comment("@hob and two", author=BOB), "comment.id", 3002)
    scene.script.on(f"POST {REPO}/issues/comments/3002/reactions", (201, {"id": 2}))
    assert (await scene.give("issue_comment", more))[1] == f"steers task {task.id}"
    assert (await scene.give("issues", labeled()))[1] == f"task {task.id} is at it already"
    assert len(await scene.tasks()) == 1
    [words] = await scene.store.list_steering(task.id)
    assert (words.trigger.text, words.trigger.author.login) == ("@hob and two", "bob")
    await scene.store.ask_cancel(task.id)
    assert (await scene.give("issues", labeled()))[1].startswith("task ")
    assert len(await scene.tasks()) == 2


async def test_a_revision_knows_the_branch(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob rename it", on_pull=BOT))
    [task] = await scene.tasks()
    assert (task.kind, task.thread.number, task.request) == (TaskKind.REVISE, 4, "rename it")
    assert (task.thread.head_ref, task.thread.base_ref) == ("hob/3-it-breaks", "main")
    assert (task.thread.head_sha, task.thread.head_repo_id) == ("b" * 40, 11)


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (pull(branch="main"), "refused: not own pull"),
        (pull(ALICE), "refused: not own pull"),
        (with_value(pull(), "head.repo", None), "task 1"),  # a fork that was deleted
        (pull(state="closed"), "refused: closed pull"),
    ],
)
async def test_which_pull_requests_are_revised(scene: Scene, now: Json, reason: str) -> None:
    scene.script.on(f"GET {REPO}/pulls/4", now)
    assert (await scene.give("issue_comment", issue_comment("@hob x", on_pull=BOT)))[1] == reason
    refused = reason.startswith("refused")
    assert (len(await scene.tasks()), len(scene.comments(4))) == ((0, 1) if refused else (1, 0))


async def test_a_bot_that_hob_yml_lets_ask_is_heard_in_that_repository(scene: Scene) -> None:
    robot = user("robot[bot]", 4242, "Bot")
    scene.script.on(f"GET {REPO}/branches/main", {"name": "main", "commit": {"sha": "c" * 40}})
    asks = issue_comment("@hob x", author=robot)
    scene.script.on(f"GET {REPO}/contents/.github/hob.yml", (404, {"message": "Not Found"}))
    assert (await scene.give("issue_comment", asks))[1] == "sent by a bot"
    listed = base64.b64encode(b"respond_to_bots: [4242]\n").decode()
    scene.script.on(f"GET {REPO}/contents/.github/hob.yml", {"encoding": "base64", "content": listed})
    assert (await scene.give("issue_comment", asks))[1] == "task 1"
    reads = len(scene.script.asked(f"GET {REPO}/contents/.github/hob.yml"))
    assert (await scene.give("issue_comment", issue_comment("Built.", author=robot)))[1] == "sent by a bot"
    other = issue_comment("@hob x", author=user("other[bot]", 4343, "Bot"))
    assert (await scene.give("issue_comment", other))[1] == "sent by a bot"
    assert len(scene.script.asked(f"GET {REPO}/contents/.github/hob.yml")) == reads + 1, (
        "none without a mention"
    )


async def test_a_bot_is_heard_that_says_it_in_the_title_of_an_issue(scene: Scene) -> None:
    robot = user("robot[bot]", 4242, "Bot")
    scene.script.on(f"GET {REPO}/branches/main", {"name": "main", "commit": {"sha": "c" * 40}})
    listed = base64.b64encode(b"respond_to_bots: [4242]\n").decode()
    scene.script.on(f"GET {REPO}/contents/.github/hob.yml", {"encoding": "base64", "content": listed})
    opened = envelope(
        "opened", robot, issue=issue("@hob please fix the nightly build", "It is red.", user=robot)
    )
    assert (await scene.give("issues", opened))[1] == "task 1"


async def test_a_pull_request_of_somebody_else_gets_an_honest_no(scene: Scene) -> None:
    for number in range(2):
        payload = review_comment("@hob fix this line", of=pull(ALICE, "fix"), id=5001 + number)
        assert (await scene.give("pull_request_review_comment", payload))[1] == "refused: not own pull"
    assert ["open an issue" in said for said in scene.comments(4)] == [True, True], "an answer each time"


async def test_stop_cancels_what_is_queued_on_the_thread(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob x"))
    other = with_value(issue_comment("@hob x"), "issue.number", 9)
    await scene.give("issue_comment", with_value(other, "comment.id", 3001))
    assert (await scene.give("issue_comment", issue_comment("@hob stop")))[1] == "stopped 1 tasks"
    assert [task.state for task in await scene.tasks()] == [TaskState.CANCELLED, TaskState.QUEUED]
    assert scene.script.asked(EYES)[-1].body == {"content": "+1"}
    assert (await scene.give("issue_comment", issue_comment("@hob stop")))[1] == "stopped 0 tasks"
    assert "nothing of mine to stop" in scene.comments()[-1]
    scene.may("bob", "read")
    stranger = issue_comment("@hob stop", author=BOB)
    assert (await scene.give("issue_comment", stranger))[1] == "refused: no write permission"


async def test_the_label_is_made_once_where_somebody_agreed(scene: Scene) -> None:
    """Without it nobody can set it: GitHub offers only labels that a repository has."""
    given = installation("created")
    scene.script.on(f"POST {REPO}/labels", (201, {"id": 1, "name": "hob"}))
    assert (await scene.give("installation", given))[1] == "0 labels made in 1 repositories"
    assert scene.wrote() == [], "nobody agreed"

    yes = base64.b64encode(b"create_label: true\nlabel: robot\n").decode()
    scene.script.on(f"GET {REPO}/contents/.github/hob.yml", {"encoding": "base64", "content": yes})
    added = installation("added") | {"repositories_added": given["repositories"]}
    assert (await scene.give("installation_repositories", added))[1] == "1 labels made in 1 repositories"
    (made,) = scene.script.asked(f"POST {REPO}/labels")
    assert (made.body["name"], len(made.body["color"])) == ("robot", 6) and "hob" in made.body["description"]

    scene.script.on(f"GET {REPO}/contents/.github/hob.yml", (404, {"message": "Not Found"}))
    scene.consent()
    scene.script.on(f"POST {REPO}/labels", (403, {"message": "Resource not accessible by integration"}))
    assert (await scene.give("installation", given))[1] == "0 labels made in 1 repositories"
    scene.script.on(f"GET {REPO}/labels/hob", {"id": 1, "name": "Hob"})
    assert (await scene.give("installation", given))[1] == "0 labels made in 1 repositories"
    assert len(scene.script.asked(f"POST {REPO}/labels")) == 2


async def test_labels_of_very_many_repositories_are_made_over_several_tries(scene: Scene) -> None:
    names = ["one", "two", "three"]
    for name in names:
        scene.script.on(f"GET /repos/octo/{name}/contents/.github/hob.yml", (404, {"message": "Not Found"}))
        scene.script.on(f"GET /repos/octo/{name}/labels/hob", (404, {"message": "Not Found"}))
        scene.script.on(f"POST /repos/octo/{name}/labels", (201, {"id": 1, "name": "hob"}))
    limited = (403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": "90"})
    scene.script.on("POST /repos/octo/two/labels", limited, (201, {"id": 1, "name": "hob"}))
    scene.consent()
    given = [{"id": at, "name": name, "full_name": f"octo/{name}"} for at, name in enumerate(names, 1)]
    guid = await scene.deliver("installation", installation("created") | {"repositories": given})
    with pytest.raises(Parked):
        await scene.intake.take(guid)
    scene.end_limit()
    await scene.intake.take(guid)
    assert (await scene.ended(guid))[1] == "3 labels made in 3 repositories"
    assert len(scene.script.asked("POST /repos/octo/one/labels")) == 1
    assert len(scene.script.asked("GET /repos/octo/one/labels/hob")) == 1, (
        "what is done is not looked at again"
    )


async def test_help_says_whether_the_label_is_there(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob help"))
    assert "no such label yet" in scene.comments()[0]


async def test_help_is_an_answer_each_time(scene: Scene) -> None:
    for _ in range(2):
        assert (await scene.give("issue_comment", issue_comment("@hob help")))[1] == "told about help"
    help_, again = scene.comments()
    assert help_.partition("<!--")[0] == again.partition("<!--")[0]
    assert "`@hob stop`" in help_ and "`@hob try 3`" in help_
    assert await scene.tasks() == []


async def say(scene: Scene, words: str) -> str:
    """What becomes of a comment."""
    return (await scene.give("issue_comment", issue_comment(f"@hob {words}")))[1]


async def test_status_says_how_it_stands_and_costs_nothing(scene: Scene) -> None:
    await say(scene, "status")
    assert "not been asked for anything" in scene.comments()[-1]
    await say(scene, "return 0 for @octo/team")
    assert await say(scene, "status") == "told how it stands"
    told = scene.comments()[-1]
    assert "waits for its turn" in told and "return 0 for" in told and "@octo" not in told
    (task,) = await scene.tasks()
    claimed = await scene.store.claim(task.id, "w")
    assert claimed
    await scene.store.release(claimed[1], TaskState.FAILED, "the tests broke")
    await say(scene, "status?")
    assert "❌ failed: the tests broke" in scene.comments()[-1]
    assert len(await scene.tasks()) == 1


async def test_retry_does_the_last_thing_again_for_who_says_so(scene: Scene) -> None:
    await say(scene, "retry")
    assert "nothing of mine" in scene.comments()[-1]
    await say(scene, "return 0")
    await say(scene, "try again")
    assert "still at it" in scene.comments()[-1]
    (first,) = await scene.tasks()
    await scene.store.ask_cancel(first.id)
    guid = await scene.deliver("issue_comment", issue_comment("@hob retry", author=BOB))
    await scene.intake.take(guid)
    _, again = await scene.tasks()
    assert (again.request, again.kind, again.requester.login) == ("return 0", TaskKind.CHANGE, "bob")
    assert again.trigger.text == first.trigger.text and again.root == again.id


async def test_try_and_use_name_what_there_is(scene: Scene) -> None:
    assert (await say(scene, "try 9")).startswith("no try: I make 1 to 8")
    await say(scene, "return 0")
    (root,) = await scene.tasks()
    await say(scene, "use 4")
    assert "There is no attempt 4; there are none here yet" in scene.comments()[-1]
    claimed = await scene.store.claim(root.id, "w")
    assert claimed
    for ordinal, diff in ((1, "+a"), (2, ""), (3, "+c")):
        attempt = await scene.store.begin_attempt(claimed[1], ordinal)
        if ordinal < 3:
            await scene.store.end_attempt(claimed[1], attempt.id, AttemptState.ENDED, diff=diff)
    for number, words in (
        (4, "no attempt 4; there are 1-3."),
        (2, "changed nothing"),
        (3, "still under way"),
    ):
        await say(scene, f"use {number}")
        assert words in scene.comments()[-1]
    await say(scene, "use attempt 1, please".replace(",", ""))
    await say(scene, "try 2")
    _, use, more = await scene.tasks()
    assert use.directive == Directive(word=DirectiveWord.USE, number=1, of=root.id)
    assert more.directive == Directive(word=DirectiveWord.TRY, number=2, of=root.id)
    assert more.request == root.request and more.root == root.id
    scene.may("alice", "read")
    assert await say(scene, "use 1") == "refused: no write permission"


async def test_approve_is_for_maintainers_and_names_a_tree(scene: Scene) -> None:
    await say(scene, "return 0")
    (root,) = await scene.tasks()
    assert await say(scene, "approve 3f2a9c01bd77") == "refused: no maintain permission"
    assert "Only people with the *Maintain* or *Admin* role" in scene.comments()[-1]
    scene.may("alice", "admin")
    assert (await say(scene, "approve 3f2a9c01bd77")).startswith("no approve: I hold nothing back")
    claimed = await scene.store.claim(root.id, "w")
    assert claimed
    await scene.store.begin_attempt(claimed[1])
    assert "all 40 characters" in await say(scene, "approve 3f2a9c01bd77")
    whole = "3f2a9c01bd77" + "0" * 28
    await say(scene, f"approve {whole}")
    _, approval = await scene.tasks()
    assert approval.directive == Directive(word=DirectiveWord.APPROVE, of=root.id, digest=whole)
    await scene.store.ask_cancel(approval.id)
    scene.may("alice", "write")
    await say(scene, "retry")
    assert len(await scene.tasks()) == 2, "who may not approve may not have it done again"


async def test_s35_a_refusal_that_was_written_and_not_recorded_is_found_again(scene: Scene) -> None:
    scene.may("alice", "none")
    scene.script.on(COMMENTS, (502, {}))
    guid = await scene.deliver("issue_comment", issue_comment("@hob x"))
    with pytest.raises(Retry):
        await scene.intake.take(guid)
    [written] = scene.comments()
    listed = comment_json(8001, body=written, user=BOT, performed_via_github_app=None)
    scene.script.on(f"GET {REPO}/issues/3", {"number": 3, "comments": 1})
    scene.script.on(f"GET {REPO}/issues/3/comments", [listed])
    await scene.intake.take(guid)
    assert len(scene.comments()) == 1
    assert (await scene.ended(guid))[0] is DeliveryState.HANDLED


async def test_s09_an_uninstalled_app_stops_what_waits(scene: Scene) -> None:
    await scene.give("issue_comment", issue_comment("@hob x"))
    elsewhere = with_value(issue_comment("@hob x"), "installation.id", 56)
    await scene.give("issue_comment", with_value(elsewhere, "issue.number", 9))
    assert (await scene.give("installation", installation("deleted")))[1].endswith("1 tasks cancelled")
    assert [task.state for task in await scene.tasks()] == [TaskState.CANCELLED, TaskState.QUEUED]
    assert (await scene.tasks())[0].cancel_reason == "the app was uninstalled"
    assert await scene.store.list_removed_repositories() == []  # another installation has the same repository
    await scene.give("installation", with_value(installation("suspend"), "installation.id", 56))
    assert await scene.store.list_removed_repositories() == []
    await scene.give("installation", with_value(installation("deleted"), "installation.id", 56))
    assert len(await scene.store.list_removed_repositories()) == 1


async def test_s09_what_is_open_on_an_issue_that_is_gone_or_in_a_repository_that_was_taken_stops(
    scene: Scene,
) -> None:
    await scene.give("issue_comment", issue_comment("@hob x"))
    for action, reason in (("deleted", "was deleted"), ("transferred", "was moved to another repository")):
        moved = with_value(envelope(action, issue=issue()), "issue.number", 9)
        assert (await scene.give("issues", moved))[1] == f"the issue {reason}: 0 tasks cancelled"
    changes = {"new_issue": {"number": 4}, "new_repository": {"full_name": "octo/lib"}}
    gone = envelope("transferred", sender=BOB, issue=issue(), changes=changes)
    assert (await scene.give("issues", gone))[1].endswith("another repository: 1 tasks cancelled")
    again = with_value(issue_comment("@hob x"), "comment.id", 3001)
    await scene.give("issue_comment", again)
    taken = installation("removed") | {"repositories_removed": [{"id": 12, "full_name": "octo/lib"}]}
    assert (await scene.give("installation_repositories", taken))[1].endswith("0 tasks cancelled")
    taken["repositories_removed"] = [{"id": 11, "name": "app", "full_name": "octo/renamed", "private": True}]
    elsewhere = with_value(taken, "installation.id", 56)
    assert (await scene.give("installation_repositories", elsewhere))[1].endswith("0 tasks cancelled")
    assert (await scene.give("installation_repositories", taken))[1].endswith("1 tasks cancelled")
    assert {task.state for task in await scene.tasks()} == {TaskState.CANCELLED}
    assert (await scene.tasks())[1].cancel_reason == "the app was taken off this repository"


async def test_s11_a_stop_that_overtakes_its_request_stops_it(scene: Scene) -> None:
    early, late = "2026-03-01T12:00:00Z", "2026-03-01T12:00:05Z"
    stop = with_value(issue_comment("@hob stop"), "comment.created_at", late)
    assert (await scene.give("issue_comment", stop))[1] == "stopped 0 tasks"
    request = with_value(issue_comment("@hob x"), "comment.created_at", early)
    assert "stopped by a comment" in (await scene.give("issue_comment", request))[1]
    again = with_value(issue_comment("@hob y"), "comment.created_at", "2026-03-01T12:00:06Z")
    await scene.give("issue_comment", with_value(again, "comment.id", 3001))
    assert [task.state for task in await scene.tasks()] == [TaskState.CANCELLED, TaskState.QUEUED]


async def test_what_is_not_for_the_bot_ends_without_a_word(scene: Scene) -> None:
    ignored, rejected = DeliveryState.IGNORED, DeliveryState.REJECTED
    assert await scene.give("issue_comment", issue_comment("hi")) == (ignored, "nobody is mentioned")
    assert await scene.give("issue_comment", issue_comment("@hob x", author=BOT)) == (ignored, "own doing")
    assert await scene.give("star", {"action": "created"}) == (ignored, "no rule for star created")
    broken = with_value(issue_comment("@hob x"), "comment.id", "y")
    state, reason = await scene.give("issue_comment", broken)
    assert (state, reason) == (rejected, "comment.id is not a whole number")
    uninstalled = envelope("opened", issue=issue(body="@hob x"))
    del uninstalled["installation"]
    assert (await scene.give("issues", uninstalled))[0] is ignored
    homeless = issue_comment("@hob x")
    del homeless["repository"]
    assert (await scene.give("issue_comment", homeless))[0] is not DeliveryState.HANDLED
    assert scene.wrote() == [] and await scene.tasks() == []


async def test_all_comments_of_one_review_are_one_task(scene: Scene) -> None:
    first = review_comment("@hob name it")
    more = review_comment("@hob and use the name", id=5002)
    other = review_comment("@hob something else", id=5003, pull_request_review_id=4002)
    scene.script.on(f"POST {REPO}/pulls/comments/5002/reactions", (201, {"id": 1}))
    scene.script.on(f"POST {REPO}/pulls/comments/5003/reactions", (201, {"id": 1}))
    assert (await scene.give("pull_request_review_comment", first))[1] == "task 1"
    assert (await scene.give("pull_request_review_comment", more))[1] == "part of task 1"
    assert (await scene.give("pull_request_review_comment", other))[1] == "steers task 1"
    await scene.store.ask_cancel(1)
    assert (await scene.give("pull_request_review_comment", more))[1] == "part of task 1"
    assert len(await scene.tasks()) == 1
