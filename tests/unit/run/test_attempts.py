"""Best of N on a real repository in real sandboxes, without GitHub and database; the wits are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage
from pydantic_ai.tools import ToolDefinition

from bot.agent.models.calls import ModelAnswer, ModelCall
from bot.agent.models.scripted import Turn, call
from bot.domain import Brief, OutcomeKind, Phase, PromptText, Step, TaskKind, Usage
from bot.errors import LeaseLost, Parked, UserError
from bot.repo_config import RepoConfig, TaskBudget
from bot.run.attempts.attempt_sink import NullSink
from bot.run.attempts.best_of import AttemptPlan, limit_attempts, run_best_of
from bot.run.attempts.ranking import FinishedAttempt, Selection
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from tests.support.agent import play
from tests.support.flow import FAULTY, running
from tests.support.git import commit

FINISH = call("finish", kind="changed", title="t", summary="s")
WRONG: Sequence[Turn] = [[call("edit", path="calc.py", old="x + 2", new="x + 3"), FINISH]]
MEND: Sequence[Turn] = [[call("edit", path="calc.py", old="x + 2", new="x * 2"), FINISH]]
SECRET: Sequence[Turn] = [[call("write", path="k", text="ghp_" + "a1B2" * 9), FINISH]]
BLOCKED: Sequence[Turn] = [call("finish", kind="blocked", title="", summary="No.")]
ANSWER: Sequence[Turn] = [call("finish", kind="answered", title="", summary="42.")]


class Quiet:
    """A journal that keeps nothing, and can lose its lease."""

    def __init__(self, loses: bool = False) -> None:
        self.loses = loses

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        if self.loses:
            raise LeaseLost("another has it")

    async def begin_call(self, seq: int, name: str, arguments: Any) -> None: ...

    async def show_plan(self, steps: tuple[Step, ...]) -> None: ...

    async def read_steering(self) -> list[PromptText]:
        return []


@pytest.fixture
async def checkout(tmp_path: Path, home: Path) -> Checkout:
    commit(tmp_path / "calc", dict(FAULTY))
    workshop = Workshop(home)
    repo, sha = await workshop.mirror.adopt(tmp_path / "calc")
    return await workshop.checkout(repo, sha, Redactor())


async def best(
    checkout: Checkout, *scripts: Sequence[Turn], most: int = 3, at_once: bool = False, loses: int = 0
) -> Selection:
    """The best of attempts that play these scripts in turn."""
    models: list[ModelCall] = [play(script) for script in reversed(scripts)]

    async def set_phase(phase: Phase) -> None: ...

    return await run_best_of(
        AttemptPlan(
            checkout=checkout,
            brief=Brief(kind=TaskKind.CHANGE, request="fix it", title="t"),
            most=most,
            new_model=lambda: models.pop(),
            sink=NullSink(lambda ordinal: Quiet(loses=ordinal == loses)),
            redactor=Redactor(),
            set_phase=set_phase,
            at_once=at_once,
        )
    )


async def test_one_that_passes_is_enough(checkout: Checkout) -> None:
    picked = await best(checkout, MEND)
    assert len(picked.attempts) == 1 and picked.result.proof.passed


async def test_more_are_made_when_the_proof_fails_and_who_fails_is_out(checkout: Checkout) -> None:
    picked = await best(checkout, WRONG, [Parked("the provider is away")], MEND)
    assert [each.error for each in picked.attempts] == ["", "the provider is away", ""]
    assert picked.chosen.ordinal == 3 and picked.why == "its proof passes"
    picked = await best(checkout, SECRET, MEND, [RuntimeError("a bug")])
    assert [bool(each.error) for each in picked.attempts] == [True, False, True]
    assert picked.chosen.ordinal == 2


async def test_giving_up_while_tests_fail_is_tried_again_an_answer_is_not(checkout: Checkout) -> None:
    assert (await best(checkout, BLOCKED, MEND, WRONG)).chosen.ordinal == 2
    assert len((await best(checkout, ANSWER)).attempts) == 1


async def test_what_the_next_one_would_meet_too_ends_all(checkout: Checkout) -> None:
    with pytest.raises(UserError, match="key"):
        await best(checkout, [UserError("the provider refuses the key")], MEND, MEND)
    with pytest.raises(Parked):
        await best(checkout, [Parked("away")], MEND, MEND)
    with pytest.raises(UserError, match="secret"):
        await best(checkout, SECRET, most=1)
    with pytest.raises(UserError, match="secret"):
        await best(checkout, SECRET, SECRET, most=2)
    with pytest.raises(LeaseLost):
        await best(checkout, MEND, MEND, most=2, at_once=True, loses=2)


async def test_cancelled_all_end(checkout: Checkout) -> None:
    slow: Sequence[Turn] = [call("shell", command="sleep 600.26")]
    working = asyncio.create_task(best(checkout, slow, slow, most=2, at_once=True))
    await running("sleep 600.26", 2)
    working.cancel()
    await asyncio.wait({working}, timeout=60)
    assert working.cancelled()


async def test_the_budget_is_the_tasks(checkout: Checkout) -> None:
    config = checkout.config.model_copy(update={"budget": TaskBudget(minutes=0.0001)})
    picked = await best(replace(checkout, config=config), WRONG, MEND, MEND)
    assert len(picked.attempts) == 1  # no time is left for others


async def test_what_a_failed_attempt_used_is_spent(checkout: Checkout) -> None:
    picked = await best(checkout, SECRET, MEND, most=2)
    assert picked.attempts[0].result is None
    assert (picked.attempts[0].used.turns, picked.spent.turns) == (1, 2)


class Resumed(NullSink):
    """Of three attempts that began together one is over, when the worker died."""

    over: Sequence[FinishedAttempt] = ()

    async def list_finished(self) -> Sequence[FinishedAttempt]:
        return self.over


async def test_who_goes_on_gets_no_more_than_its_share(checkout: Checkout) -> None:
    """Of 6 dollars for three at once, each has 2, also after one of them is over."""
    sink = Resumed(lambda ordinal: Quiet())
    sink.over = [FinishedAttempt(ordinal=1, usage=Usage(usd=2.0))]
    config = checkout.config.model_copy(update={"budget": TaskBudget(usd=6.0)})
    begun = [Priced(play([[call("shell", command="true")], *BLOCKED]), usd=2.5) for _ in range(2)]

    async def set_phase(phase: Phase) -> None: ...

    picked = await run_best_of(
        AttemptPlan(
            checkout=replace(checkout, config=config),
            brief=Brief(kind=TaskKind.CHANGE, request="fix it", title="t"),
            most=3,
            new_model=begun.copy().pop,
            sink=sink,
            redactor=Redactor(),
            set_phase=set_phase,
            at_once=True,
        )
    )
    kinds = {each.result.outcome.kind for each in picked.attempts if each.result}
    assert kinds == {OutcomeKind.LIMIT}


class Priced:
    """A model whose answers cost so many dollars."""

    def __init__(self, model: ModelCall, *, usd: float) -> None:
        self._model, self._usd = model, usd
        self.name, self.window, self.aclose = model.name, model.window, model.aclose
        self.open = model.open

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        answer = await self._model.ask(messages, tools)
        return replace(answer, usage=replace(answer.usage, usd=self._usd))


def test_the_ceiling() -> None:
    plain, four = RepoConfig(), RepoConfig(attempts=4)
    assert limit_attempts(plain, "anthropic:x") == 3
    assert limit_attempts(four, "anthropic:x") == 4
    assert limit_attempts(four, "anthropic:x", asked=2) == 2
    assert limit_attempts(plain, "scripted:x") == 1 and limit_attempts(plain, "scripted:x", asked=2) == 2
    assert limit_attempts(four, "offline", asked=5) == 1
