"""Checks that fail on Hob's own pull request, and the buttons on its own checks."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain import TaskKind, TaskState, TriggerKind
from bot.tasks.database.tables import DeliveryState
from tests.support.payloads import ALICE, AT, BOT, Json, envelope, pull
from tests.unit.inbox.test_intake import REPO, Scene, scene  # noqa: F401

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

    def came_out(self, sha: str, *conclusions: str, app: int = CI) -> None:
        runs = [{"id": 1, "conclusion": one, "name": "tests", "app": {"id": app}} for one in conclusions]
        self.scene.script.on(f"GET {REPO}/commits/{sha}/check-runs", {"total_count": 1, "check_runs": runs})

    async def asked_for(self) -> None:
        """Alice asks on the pull request, and that is done."""
        from tests.support.payloads import issue_comment

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
        ((), ("failure",), "the check did not run on the base"),
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
    assert await checks.fails() == "the check did not run on the base"


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
        (
            pressed("fix", pull_requests=[]),
            "it is on no thread",
        ),
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
