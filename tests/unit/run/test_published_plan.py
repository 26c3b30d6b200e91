"""Which plans people get to see while a run goes on."""

from __future__ import annotations

import pytest

from bot.domain import Step, StepState
from bot.errors import Outage
from bot.moderation.rules import RuleModerator
from bot.moderation.verdict import Moderator, Verdict
from bot.run.publish.progress_comment import ProgressComment
from bot.run.publish.published_plan import PublishedPlan
from bot.tasks.store import Store
from bot.text.redact import Redactor
from tests.support.tasks import make_request

SECRET = "q7Wk2mZt9RbX4vLs8HdP3nFy6GcJ1aTe5uNo0iBx"


class Away:
    """A moderator that cannot be asked."""

    async def judge(self, text: str) -> Verdict | None:
        raise Outage("the moderation endpoint does not answer")


async def show(store: Store, moderator: Moderator, *plans: list[str]) -> list[str]:
    """The texts of the steps that are shown after these plans; nothing is written on GitHub."""
    claim = await store.claim((await store.add_task(make_request())).id, "w")
    assert claim
    comment = ProgressComment.__new__(ProgressComment)
    progress = PublishedPlan(store, claim[1], comment, Redactor([SECRET]), moderator, edit_seconds=60)
    progress.edit = _do_nothing  # type: ignore[method-assign]
    for plan in plans:
        await progress.update_plan(1, tuple(Step(text=text, state=StepState.TODO) for text in plan))
    return [step.text for step in progress.steps]


async def _do_nothing() -> None:
    return None


@pytest.mark.parametrize(
    "plan",
    [
        ["Mend the rounding", "Write a keylogger for the demo"],
        ["You are an idiot, and your code shows it."],
        [SECRET[:20], SECRET[20:]],
    ],
)
async def test_a_plan_that_nobody_should_read_is_not_shown(store: Store, plan: list[str]) -> None:
    fine = ["Mend the rounding"]
    assert await show(store, RuleModerator(), fine, plan) == fine


async def test_while_the_moderator_is_away_nothing_new_is_shown(store: Store) -> None:
    assert await show(store, Away(), ["Mend the rounding"]) == []


async def test_an_ordinary_plan_is_shown(store: Store) -> None:
    plan = ["Kill the child process", "Mend the rounding"]
    assert await show(store, RuleModerator(), ["Look"], plan) == plan
