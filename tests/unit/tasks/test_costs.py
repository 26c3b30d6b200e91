"""What an installation used of its day: runs that are over, and those under way by their stored turns."""

from __future__ import annotations

from typing import Any

from bot.domain import Outcome, OutcomeKind, Proof, Run, Task, Usage
from bot.tasks.store import Store
from tests.support.tasks import make_request


async def begin(store: Store, **request: Any) -> tuple[Task, Run]:
    task = await store.add_task(make_request(**request))
    claimed = await store.claim(task.id, "w1")
    assert claimed
    return claimed


def turn(usd: float) -> dict[str, Any]:
    total = {"turns": 1, "input_tokens": 10, "output_tokens": 5, "usd": usd, "seconds": 60.0}
    return {"total": total}


async def test_a_run_under_way_counts_by_its_last_turn(store: Store) -> None:
    task, run = await begin(store)
    other, _ = await begin(store, number=77)
    assert task.installation == other.installation
    day = await store.load_daily_budget(task.installation, 5.0)
    assert day.left_usd == 5.0 and await store.count_running(task.installation) == 2
    attempt = (await store.begin_attempt(run)).id
    for seq, usd in enumerate((0.5, 1.25, 2.0)):
        await store.add_turn(run, attempt, seq, turn(usd))
    day = await store.load_daily_budget(task.installation, 5.0)
    assert (day.used.usd, day.used.turns, day.used.tokens, day.left_usd) == (2.0, 1, 15, 3.0)
    assert (await store.load_daily_budget(task.installation + 1, 5.0)).left_usd == 5.0
    await store.finish_run(
        run,
        outcome=Outcome(kind=OutcomeKind.CHANGED, title="T"),
        diff="",
        proof=Proof(base="abc"),
        usage=Usage(turns=3, usd=2.5),
        error="",
    )
    assert (await store.load_daily_budget(task.installation, 5.0)).used.usd == 2.5, "and not twice"
