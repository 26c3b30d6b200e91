"""Attempts as they are stored: each content once, nothing of another start, nothing after the fence."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from bot.domain import ChangeKind, ChangeSet, FileChange, Held, Outcome, OutcomeKind, Run, TaskState
from bot.tasks import attempts
from bot.tasks.database.tables import AttemptState
from bot.tasks.leases.expire import MAX_LEASES, expire_leases
from bot.tasks.store import Store
from bot.tasks.transitions import LEFT
from tests.support.tasks import make_request

ODD = "caf\udce9/\u00fc"


async def claimed(store: Store) -> Run:
    task = await store.add_task(make_request())
    found = await store.claim(task.id, "w")
    assert found
    return found[1]


def work(**files: bytes) -> ChangeSet:
    made = [
        FileChange(path=path, kind=ChangeKind.ADDED, mode=0o100644, data=data) for path, data in files.items()
    ]
    return ChangeSet(base="b" * 40, files=(*made, FileChange(path=ODD, kind=ChangeKind.DELETED)))


async def contents(store: Store) -> int:
    async with store.engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM attempt_files")) or 0)


async def test_a_workspace_is_stored_with_its_turn_and_each_content_once(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    assert await store.load_unfinished_work(one) is None
    assert await store.add_turn(run, one.id, 0, {"n": 0}, work=work(a=b"1", b=b"1", c=b"2"))
    assert await contents(store) == 3  # 1, 2, and that of what is deleted
    assert await store.add_turn(run, one.id, 1, {"n": 1}, last_steering=7)
    assert await store.add_turn(run, one.id, 2, {"n": 2}, work=work(a=b"1", c=b"3"), last_steering=9)
    assert await contents(store) == 3  # 2 is let go
    again = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    left = await store.load_unfinished_work(again)
    assert left and left.changes == work(a=b"1", c=b"3")
    assert ([record["n"] for record in left.records], left.last_steering) == ([0, 1, 2], 9)
    await store.end_attempt(run, one.id, AttemptState.ENDED, changes=work(a=b"9"), diff="d\x00")
    assert await contents(store) == 0
    (ended,) = await store.list_attempts(run.task)
    assert (ended.state, ended.diff, ended.work_seq) == (AttemptState.ENDED, "d\ufffd", -1)
    assert await store.load_attempt_changes(ended) == work(a=b"9")
    assert [turn.record["n"] for turn in await store.list_turns(run.id)] == [0, 1, 2]


async def test_what_is_held_back_is_kept_with_its_content(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    made = FileChange(path="AGENTS.md", kind=ChangeKind.ADDED, mode=0o100644, data=b"\xffBe.\n")
    held = (Held(path="AGENTS.md", why="for people", change=made), Held(path=".git", why="git's own"))
    changes = replace(work(a=b"1"), held=held)
    await store.end_attempt(run, one.id, AttemptState.ENDED, changes=changes)
    (ended,) = await store.list_attempts(run.task)
    kept = await store.load_attempt_changes(ended)
    assert kept == changes and kept.releasable == (made,)


async def test_a_workspace_too_large_leaves_the_last_one_that_was_not(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    assert await store.add_turn(run, one.id, 0, {"n": 0}, work=work(a=b"1"))
    assert not await store.add_turn(
        run, one.id, 1, {"n": 1}, work=work(a=bytes(attempts.MAX_WORKSPACE_BYTES + 1))
    )
    assert not await store.add_turn(run, one.id, 2, {"n": 2})  # the turn before it is not known
    left = await store.load_unfinished_work((await store.list_attempts(run.task))[0])
    assert left and left.changes == work(a=b"1") and len(left.records) == 1


async def test_an_untouched_workspace_is_known_too(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    assert await store.add_turn(run, one.id, 0, {"n": 0})
    left = await store.load_unfinished_work((await store.list_attempts(run.task))[0])
    assert left and not left.changes and left.changes.base == "b" * 40


async def test_another_ground_begins_anew(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    await store.add_turn(run, one.id, 0, {"n": 0}, work=work(a=b"1"))
    other = await store.begin_attempt(run, base="c" * 40, start_digest="h")
    assert (other.id, other.work_seq, other.base_sha) == (one.id, -1, "c" * 40)
    assert await store.list_turns(run.id) == [] and await contents(store) == 0


async def test_attempts_of_several_tasks_at_one_request(store: Store) -> None:
    first = await claimed(store)
    one = await store.begin_attempt(first)
    outcome = Outcome(kind=OutcomeKind.CHANGED, title="t")
    await store.end_attempt(first, one.id, AttemptState.ENDED, outcome=outcome)
    await store.choose_attempt(first, first.task, 1)
    await store.release(first, TaskState.DONE)
    second = await claimed(store)
    two = await store.begin_attempt(second, 2, task=first.task)
    assert (two.task, two.maker) == (first.task, second.task)
    await store.choose_attempt(second, first.task, 2)
    assert [(each.ordinal, each.chosen) for each in await store.list_attempts(first.task)] == [
        (1, False),
        (2, True),
    ]
    assert await store.list_attempts(second.task) == []


async def test_the_version_before_reads_and_writes_on(store: Store) -> None:
    """Its turns are in a table of their own and are still shown."""
    run = await claimed(store)
    async with store.engine.begin() as connection:
        old = "INSERT INTO turns (run, seq, record) VALUES (:run, 0, '{\"n\": 5}') ON CONFLICT (run, seq)"
        await connection.execute(text(f"{old} DO UPDATE SET record = excluded.record"), {"run": run.id})
    assert [turn.record["n"] for turn in await store.list_turns(run.id)] == [5]


async def test_of_one_that_ended_on_another_ground_nothing_is_left(store: Store) -> None:
    run = await claimed(store)
    one = await store.begin_attempt(run, base="b" * 40, start_digest="g")
    said = Outcome(kind=OutcomeKind.CHANGED, title="t", summary="s")
    await store.end_attempt(
        run, one.id, AttemptState.ENDED, outcome=said, diff="d", changes=work(a=b"1"), error="e"
    )
    again = await store.begin_attempt(run, base="c" * 40, start_digest="h")
    assert (again.state, again.outcome, again.diff, again.error) == (AttemptState.RUNNING, None, "", "")
    await store.add_turn(run, one.id, 0, {"n": 0}, work=work(a=b"2"))
    (now,) = await store.list_attempts(run.task)
    assert await store.load_attempt_changes(now) == work(a=b"2")


async def test_an_attempt_whose_worker_died_for_good_has_failed(store: Store) -> None:
    """And what its workspace held can still be taken."""
    task = await store.add_task(make_request())
    for _ in range(MAX_LEASES):
        claim = await store.claim(task.id, "w")
        assert claim
        one = await store.begin_attempt(claim[1], base="b" * 40, start_digest="g")
        await store.add_turn(claim[1], one.id, 0, {"n": 0}, work=work(a=b"1"))
        async with store.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET lease_until = now() WHERE state = 'running'"))
            await expire_leases(connection)
    (left,) = await store.list_attempts(task.id)
    assert (left.state, left.error) == (AttemptState.FAILED, LEFT)
    assert left.ended_at and await store.load_attempt_changes(left) == work(a=b"1")


async def test_no_attempt_goes_on_when_its_task_has_ended(store: Store) -> None:
    run = await claimed(store)
    await store.begin_attempt(run)
    await store.release(run, TaskState.WAITING, "a rate limit", after=60, counted=False)
    assert [each.state for each in await store.list_attempts(run.task)] == [AttemptState.RUNNING]
    await store.ask_cancel(run.task)
    assert [each.state for each in await store.list_attempts(run.task)] == [AttemptState.FAILED]
