"""Estimates before the work: their signs, their line, and how far they were off."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.experiments.estimates import (
    MEDIUM_TURNS,
    SMALL_TURNS,
    load_estimate_errors,
    render_estimate_errors,
)
from bot.run.prepare.estimate import LIKELY, MOST_TURNS, UNLIKELY, Size, estimate, render_estimate
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.agent import brief
from tests.support.tasks import make_request


@pytest.mark.parametrize(
    ("request_text", "signs"),
    [
        (
            "total() in shop/cart.py should return 80 but returns 99",
            ("names a file", "says what is expected"),
        ),
        ("It ends with a ValueError in the first line of the report", ("shows an error or code",)),
        ("Please rewrite the whole thing from scratch, with care", ("is broad",)),
        ("Do this for me now please:\n- one\n- two\n- three", ("asks for several things",)),
        ("fix", ("says little",)),
    ],
)
def test_signs_are_named(request_text: str, signs: tuple[str, ...]) -> None:
    given = estimate(brief(request_text, test_command="pytest"))
    found = set(given.signs) - {"there are tests"}
    assert set(signs) <= found
    assert all(sign in render_estimate(given) for sign in signs)


def test_a_good_report_is_likely_and_a_vague_wish_is_not() -> None:
    good = estimate(
        brief("cart.py: total() should return 80\n```\nAssertionError\n```", test_command="pytest")
    )
    vague = estimate(brief("Refactor everything"))
    assert good.chance >= LIKELY > UNLIKELY > vague.chance
    assert (good.size, vague.size) == (Size.SMALL, Size.LARGE)
    assert "likely to end proved, small (up to 10 turns)" in render_estimate(good)
    assert "unlikely to end proved, large (more than 30 turns)" in render_estimate(vague)


@pytest.mark.parametrize(
    "hostile", ["a/" * 50_000, "- " * 50_000, "x." * 50_000, "`" * 50_000, "1. \n" * 50_000]
)
def test_long_texts_are_read_in_time(hostile: str) -> None:
    assert 0.05 <= estimate(brief(hostile)).chance <= 0.95


async def test_how_far_they_were_off_is_counted(database: Database, store: Store) -> None:
    assert (MOST_TURNS[Size.SMALL], MOST_TURNS[Size.MEDIUM]) == (SMALL_TURNS, MEDIUM_TURNS)

    async def tell() -> str:
        async with database.engine.connect() as connection:
            found = await connection.run_sync(lambda plain: load_estimate_errors(plain, days=30))
        return render_estimate_errors(found)

    assert await tell() == "No task with an estimate has ended yet."
    for number in (1, 2):
        task = await store.add_task(make_request(number=number))
        claimed = await store.claim(task.id, "w")
        assert claimed
        given = estimate(brief("cart.py should return 80", test_command="pytest"))
        await store.set_estimate(claimed[1], given)
        await store.release(claimed[1], TaskState.DONE)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET verdict = 'proved' WHERE thread_number = 1"))
    said = await tell()
    assert "of 2 tasks that ended: 75% said to end proved, 50% did; mean squared error 0.31" in said
    assert said.endswith("the size was right for 100%.")
