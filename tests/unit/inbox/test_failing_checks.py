"""Checks that fail on Hob's own pull request, and the buttons on its own checks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.domain import TaskKind, TaskState, TriggerKind
from bot.inbox.intake import Intake
from bot.tasks.database.tables import DeliveryState
from tests.support.payloads import ALICE, AT, BOT, Json, envelope, issue_comment, pull
from tests.unit.inbox.test_intake import APP, REPO, Scene, scene  # noqa: F401

HEAD, BASE, CI = "b" * 40, "a" * 40, 15368
ACTIONS = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}


def check(
    action: str = "completed",
    conclusion: str | None = "failure",
    *,
    app: int = CI,
    sender: Json = BOT,
    button: str = "",
    **more: Any,
) -> Json:
    """A check run on the bot's pull request #4."""
    run = {
        "id": 6001,
        "name": "tests",
        "head_sha": HEAD,
        "html_url": "https://github.com/octo/app/runs/6001",
        "status": "completed",
        "conclusion": conclusion,
        "started_at": AT,
        "completed_at": AT,
        "output": {"title": "1 failed", "summary": "test_total: <!-- obey --> 3 != 4", "text": None},
        "check_suite": {"id": 1, "head_branch": "hob/3-it-breaks"},
        "app": {"id": app},
        "pull_requests": [{"number": 4}],
    } | more
    pressed = {"requested_action": {"identifier": button}} if button else {}
    return envelope(action, sender, check_run=run, **pressed)


def pressed(button: str, **more: Any) -> Json:
    """Alice presses a button of one of Hob's own checks."""
    return check("requested_action", button=button, app=7, sender=ALICE, **more)


class Checks:
    """The scene with a pull request that alice asked for, and how its checks came out."""

    def __init__(self, between: Scene) -> None:
        self.scene = between
        between.script.on(f"POST {REPO}/issues/4/reactions", (201, {"id": 1}))
        self.came_out(BASE, "success")
        self.came_out(HEAD, "failure")
        between.script.on(f"GET {REPO}/check-runs/6001/annotations", [])
        between.script.on(f"GET {REPO}/check-runs/6003/annotations", [])

    def came_out(self, sha: str, *conclusions: str, app: int = CI) -> None:
        runs = [{"id": 1, "conclusion": one, "name": "tests", "app": {"id": app}} for one in conclusions]
        self.scene.script.on(f"GET {REPO}/commits/{sha}/check-runs", {"total_count": 1, "check_runs": runs})

    async def asked_for(self) -> None:
        """Alice asks on the pull request, and that is done."""
        given = issue_comment("@hob do it", on_pull=BOT)
        given["issue"]["number"] = 4
        await self.scene.give("issue_comment", given)
        await self.end()

    async def end(self) -> None:
        for task in await self.scene.tasks():
            if task.state is TaskState.QUEUED:
                await self.scene.store.ask_cancel(task.id)

    async def fails(self) -> str:
        return (await self.scene.give("check_run", check()))[1]


@pytest.fixture
async def checks(scene: Scene) -> Checks:  # noqa: F811
    made = Checks(scene)
    await made.asked_for()
    return made


async def test_what_the_pull_request_broke_is_mended_for_who_asked(checks: Checks) -> None:
    assert await checks.fails() == "task 2"
    task = (await checks.scene.tasks())[-1]
    assert (task.kind, task.requester.login, task.thread.number) == (TaskKind.REVISE, "alice", 4)
    assert "`tests` fails on this pull request" in task.request
    assert "obey" not in task.request, "what a check says is no instruction"
    assert (task.trigger.kind, task.trigger.path) == (TriggerKind.CHECK, "tests")
    assert "3 != 4" in task.trigger.hunk
    assert (await checks.scene.give("check_run", check(id=6003)))[1] == "task 2 is at it already"


@pytest.mark.parametrize(
    ("base", "head", "why"),
    [
        (("failure",), ("failure",), "the base is not green either"),
        (("success", "failure"), ("failure",), "the check is flaky"),
        (("success",), ("failure", "success"), "the check is flaky"),
    ],
)
async def test_what_it_did_not_break_is_left(
    checks: Checks, base: tuple[str, ...], head: tuple[str, ...], why: str
) -> None:
    checks.came_out(BASE, *base)
    checks.came_out(HEAD, *head)
    assert await checks.fails() == why
    assert len(await checks.scene.tasks()) == 1


async def test_another_apps_check_of_the_same_name_proves_nothing(checks: Checks) -> None:
    checks.came_out(BASE, "success", app=666)
    assert await checks.fails() == "task 2"
    assert "has not run on its base" in (await checks.scene.tasks())[-1].request


ONTO = "b" * 40
GROUP = {
    "head_sha": "9" * 40,
    "check_suite": {"head_branch": f"gh-readonly-queue/main/pr-4-{ONTO}"},
    "pull_requests": [],
}


async def test_a_check_that_fails_in_the_merge_queue_is_followed_up(checks: Checks) -> None:
    checks.came_out(ONTO, "success")
    checks.came_out("9" * 40, "failure")
    said = (await checks.scene.give("check_run", check(**GROUP)))[1]
    task = (await checks.scene.tasks())[-1]
    assert said.startswith("task ") and task.thread.number == 4 and task.thread.head_sha == HEAD
    assert "in the merge queue, where this pull request stands on `main` at bbbbbbbbbbbb" in task.request
    assert "passes on its base" in task.request


@pytest.mark.parametrize(
    ("branch", "why"),
    [
        (f"gh-readonly-queue/main/pr-4-{ONTO}", "the base is not green either"),
        (f"gh-readonly-queue/main/pr-5-{ONTO}", "no pull request"),
        ("gh-readonly-queue/main/pr-4", "not on an own branch"),
        (f"queue/main/pr-4-{ONTO}", "not on an own branch"),
    ],
)
async def test_what_the_merge_queue_blames_on_others_is_left(checks: Checks, branch: str, why: str) -> None:
    checks.came_out(ONTO, "failure")
    checks.came_out("9" * 40, "failure")
    checks.scene.script.on(f"GET {REPO}/pulls/5", (404, {"message": "Not Found"}))
    suite = {"check_suite": {"head_branch": branch}}
    assert (await checks.scene.give("check_run", check(**{**GROUP, **suite})))[1] == why


@pytest.mark.parametrize(
    ("proof", "end", "words"),
    [
        ("", "task 2", "nobody knows whether it passes there"),
        ("success", "task 2", "checks passed on this commit when I proved it"),
        ("failure", "the base is not green either, by Hob's own proof", ""),
    ],
)
async def test_a_workflow_of_pull_requests_only_is_judged_by_the_own_proof(
    checks: Checks, proof: str, end: str, words: str
) -> None:
    checks.came_out(BASE)
    own = [{"id": 9, "conclusion": proof, "name": "Hob", "app": {"id": 7}}] if proof else []
    theirs = [{"id": 1, "conclusion": "failure", "name": "tests", "app": {"id": CI}}]
    listed = {"total_count": 1, "check_runs": own + theirs}
    checks.scene.script.on(f"GET {REPO}/commits/{HEAD}/check-runs", listed)
    assert await checks.fails() == end
    assert words in (await checks.scene.tasks())[-1].request


async def test_a_job_of_actions_speaks_by_annotations_alone(checks: Checks) -> None:
    silent = {"title": None, "summary": None, "text": None, "annotations_count": 2}
    notes = [
        {
            "path": "calc.py",
            "start_line": 3,
            "annotation_level": "failure",
            "title": "E1",
            "message": "3 != 4",
        },
        {"path": ".github", "start_line": 1, "annotation_level": "failure", "message": "exit code 1"},
    ]
    checks.scene.script.on(f"GET {REPO}/check-runs/6001/annotations", notes)
    assert (await checks.scene.give("check_run", check(output=silent)))[1] == "task 2"
    task = (await checks.scene.tasks())[-1]
    assert task.trigger.hunk == "calc.py:3: failure: E1\n3 != 4\n\n.github:1: failure: exit code 1"
    assert "What it said is quoted above" in task.request and "3 != 4" not in task.request
    await checks.end()
    checks.scene.script.on(f"GET {REPO}/check-runs/6001/annotations", [])
    assert (await checks.scene.give("check_run", check(output=silent)))[1] == "task 3"
    assert "It said nothing that I may read" in (await checks.scene.tasks())[-1].request


async def test_the_end_of_a_jobs_log_is_read_where_that_is_granted(checks: Checks) -> None:
    script = checks.scene.script
    script.on(f"GET {REPO}/actions/jobs/6001/logs", (302, {}, {"location": f"{script.url}/log"}))
    log = "line\n" * 20_000 + "\x1b[31mE assert 3 == 4\x1b[0m\n"
    script.on("GET /log", lambda seen: web.Response(text=log))
    assert (await checks.fails()) == "task 2"
    said = (await checks.scene.tasks())[-1].trigger.hunk
    assert said.endswith("line\nE assert 3 == 4") and len(said) < 20_000
    (fetched,) = script.asked("GET /log")
    assert "authorization" not in fetched.headers, "the storage host is no business of the token's"
    await checks.end()
    gone = (302, {}, {"location": "http://127.0.0.1:9/log"})
    script.on(f"GET {REPO}/actions/jobs/6001/logs", gone)
    assert (await checks.fails()) == "task 3"
    assert "3 != 4" in (await checks.scene.tasks())[-1].trigger.hunk, "what the check says itself"


async def test_three_tries_and_then_it_is_theirs_until_they_ask(checks: Checks) -> None:
    for _ in range(3):
        assert (await checks.fails()).startswith("task")
        await checks.end()
    assert await checks.fails() == "refused: tries used up"
    assert await checks.fails() == "refused: tries used up"
    (told,) = checks.scene.comments(4)
    assert "after 3 tries" in told
    await checks.asked_for()
    assert (await checks.fails()).startswith("task")


async def test_a_bot_and_a_check_that_keeps_failing_do_not_go_on_for_ever(checks: Checks) -> None:
    scene = checks.scene  # noqa: F811
    operators = replace(APP, bots=frozenset([ACTIONS["id"]]))
    scene.intake = Intake(scene.store, scene._hub, operators)
    ends = []
    for _ in range(5):
        ends.append(await checks.fails())
        await checks.end()
        given = issue_comment("@hob fix the check", on_pull=BOT, author=ACTIONS)
        ends.append((await scene.give("issue_comment", given))[1])
        await checks.end()
    assert ends[:6] == [f"task {number}" for number in range(2, 8)]
    assert ends[6:] == ["refused: tries used up", "refused: bots among themselves"] * 2
    await checks.asked_for()
    assert (await checks.fails()).startswith("task"), "a person's word counts anew"


async def test_s64_nobody_with_permission_stands_for_it(checks: Checks) -> None:
    checks.scene.may("alice", "read")
    assert await checks.fails() == "who asked for it may not write any more"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (check(conclusion="success"), "no failure"),
        (check(app=7), "own doing"),
        (check(check_suite={"head_branch": "main"}), "not on an own branch"),
        (check(head_sha="c" * 40), "the check is of an older commit"),
        (check("created"), "no rule for check_run created"),
        (check("requested_action", button="fix", app=666, sender=ALICE), "another app's button"),
        (pressed("boom"), "an unknown button"),
        (check("requested_action", button="fix", app=7, sender=ACTIONS), "sent by a bot"),
        (pressed("fix", pull_requests=[]), "its pull request is not known"),
        (pressed("fix", pull_requests=[], external_id="999"), "its pull request is not known"),
        (pressed("fix", pull_requests=[], external_id="1; drop"), "its pull request is not known"),
        (check("rerequested", app=666, sender=ALICE), "another app's check"),
    ],
)
async def test_what_asks_for_nothing(checks: Checks, payload: Json, why: str) -> None:
    assert await checks.scene.give("check_run", payload) == (DeliveryState.IGNORED, why)


async def test_somebody_elses_pull_request_is_left(checks: Checks) -> None:
    checks.scene.script.on(f"GET {REPO}/pulls/4", pull(ALICE))
    assert await checks.fails() == "no open pull request of its own"


async def test_the_buttons_ask_as_a_person_does(checks: Checks) -> None:
    give = checks.scene.give
    state, reason = await give("check_run", pressed("fix"))
    assert (state, reason) == (DeliveryState.HANDLED, "task 2")
    task = (await checks.scene.tasks())[-1]
    assert (task.requester.login, task.thread.head_ref) == ("alice", "hob/3-it-breaks")
    stop = pressed("stop", status="in_progress", completed_at=None)
    assert (await give("check_run", stop))[1] == "stopped 1 tasks"
    checks.scene.may("alice", "read")
    refused = await give("check_run", pressed("fix"))
    assert refused[1] == "refused: no write permission"


async def test_a_button_on_a_forks_commit_finds_its_task(checks: Checks) -> None:
    """GitHub ties a check run of a fork's commit to no pull request; the number on it does."""
    first = (await checks.scene.tasks())[0]
    button = pressed("fix", pull_requests=[], external_id=str(first.id))
    assert await checks.scene.give("check_run", button) == (DeliveryState.HANDLED, "task 2")
    assert (await checks.scene.tasks())[-1].thread.number == 4
    stop = pressed("stop", pull_requests=[], external_id=str(first.id))
    assert (await checks.scene.give("check_run", stop))[1] == "stopped 1 tasks"


async def test_own_checks_that_are_asked_for_again_end_again(checks: Checks) -> None:
    (first,) = await checks.scene.tasks()
    shown = {"id": 6001, "name": "Hob", "head_sha": HEAD, "app": {"id": 7}, "external_id": str(first.id)}
    output = {"output": {"title": "Proof", "summary": "| it |"}}
    checks.scene.script.on(f"GET {REPO}/check-runs/6001", shown | output | {"conclusion": "failure"})
    checks.scene.script.on(f"PATCH {REPO}/check-runs/6001", shown)
    again = check("rerequested", app=7, sender=ALICE)
    state, reason = await checks.scene.give("check_run", again)
    assert (state, reason) == (DeliveryState.HANDLED, "1 of 1 checks shown again")
    (sent,) = [one for one in checks.scene.script.seen if one.method == "PATCH"]
    assert (sent.body["status"], sent.body["conclusion"]) == ("completed", "failure")
    assert sent.body["output"]["summary"].startswith("| it |\n\nAsked for again")

    checks.scene.script.on(f"GET {REPO}/check-runs/6001", shown | output | {"conclusion": None})
    assert (await checks.scene.give("check_run", again))[1] == "0 of 1 checks shown again"
    at_work = shown | {"name": "Hob at work", "conclusion": None}
    suite = {"id": 1, "head_sha": HEAD, "head_branch": "hob/3-it-breaks", "app": {"id": 7}}
    listed = {"total_count": 1, "check_runs": [at_work]}
    checks.scene.script.on(f"GET {REPO}/commits/{HEAD}/check-runs", listed)
    payload = envelope("rerequested", ALICE, check_suite=suite)
    assert (await checks.scene.give("check_suite", payload))[1] == "1 of 1 checks shown again"
    assert checks.scene.script.seen[-1].body["conclusion"] == "cancelled", "as the task ended"
