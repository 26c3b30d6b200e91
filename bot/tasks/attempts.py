"""Attempts at a task: their turns, their results, and the work that an interrupted one continues from.

After a turn that changed the workspace its change set is stored: a list of paths, and each content once under
its SHA-256, so that an unchanged file costs nothing. Of a workspace of more than ``MAX_WORKSPACE_BYTES`` the
last state that was small enough is kept, and an interrupted attempt continues from there. Contents that no
path names any more are deleted, and all of them when the attempt ends: then its final change set is stored,
packed.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Update, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.domain import ChangeKind, ChangeSet, FileChange, Outcome, Proof, Run, Usage
from bot.tasks.costs import keep_cost_so_far
from bot.tasks.database.column_values import pack, plain, restore, storable, unpack
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import AttemptState, attempt_files, attempt_turns, attempts
from bot.tasks.database.transactions import WAIT_SECONDS, retry_while_away
from bot.tasks.leases.fence import is_held, make_lease_lost

MAX_WORKSPACE_BYTES = (
    16 << 20
)  # bytes of a workspace's changed files that are stored while an attempt goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """An attempt as stored, without file contents.

    It is an attempt at the request of ``task``; the task that made it is ``maker``. ``start_digest``
    is a digest of what it started from: brief, layers and model.
    """

    id: int
    task: int
    maker: int
    run: int
    ordinal: int
    state: AttemptState
    model: str
    base_sha: str
    start_digest: str
    started_at: datetime
    ended_at: datetime | None
    outcome: dict[str, Any] | None
    diff: str
    proof: dict[str, Any] | None
    usage: dict[str, Any] | None
    error: str
    chosen: bool
    work_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedWork:
    """What an attempt had after the last turn whose workspace is stored.

    ``last_steering`` is the id of the last comment that its agent had been given.
    """

    records: tuple[dict[str, Any], ...]
    changes: ChangeSet
    last_steering: int


_PACKED = ("changes", "work", "doing")
# The columns of an attempt that begins again from other code, where its earlier result is void.
_CLEARED = dict.fromkeys(("outcome", "proof", "usage", "changes", "ended_at")) | {"diff": "", "error": ""}
_COLUMNS = [
    column.label("start_digest") if column is attempts.c.ground else column
    for column in attempts.c
    if column.name not in _PACKED
]


class AttemptRecords:
    """The tables of attempts."""

    engine: AsyncEngine

    async def list_attempts(self, task_id: int) -> list[AttemptRecord]:
        """Every attempt at a task's request, by ordinal, whoever made it."""
        query = select(*_COLUMNS).where(attempts.c.task == task_id).order_by(attempts.c.ordinal)

        async def once() -> list[AttemptRecord]:
            async with read_from(self.engine) as connection:
                return [_record(row) for row in await connection.execute(query)]

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def begin_attempt(
        self,
        run: Run,
        ordinal: int = 1,
        *,
        task: int = 0,
        model: str = "",
        base: str = "",
        start_digest: str = "",
    ) -> AttemptRecord:
        """Begin the run's attempt ``ordinal`` at the request of ``task`` (0: its own), or begin it again.

        An attempt with the same ``start_digest`` keeps its turns and its work; otherwise they are deleted,
        and what they cost stays with the run that made them. Raises LeaseLost.
        """
        same = (attempts.c.task == (task or run.task)) & (attempts.c.ordinal == ordinal)
        on_other_ground = select(attempts.c.run).where(
            same, attempts.c.maker == run.task, attempts.c.run != run.id, attempts.c.ground != start_digest
        )
        row = select(*(literal(each) for each in (task or run.task, run.task, run.id, ordinal)))
        new = insert(attempts).from_select(["task", "maker", "run", "ordinal"], row.where(is_held(run)))
        new = new.on_conflict_do_update(
            index_elements=["task", "ordinal"],
            set_={"run": run.id},
            where=attempts.c.maker == run.task,
        )

        async def once() -> AttemptRecord:
            async with self.engine.begin() as connection:
                for dead in await connection.scalars(on_other_ground):
                    await keep_cost_so_far(connection, dead)
                there = (await connection.execute(new.returning(attempts.c.id, attempts.c.ground))).first()
                if there is None:
                    raise make_lease_lost(run)
                values: dict[str, Any] = {"state": AttemptState.RUNNING, "model": model, "base_sha": base}
                if there.ground != start_digest:
                    await _delete_turns_and_files(connection, there.id)
                    values |= {"ground": start_digest, "work": None, "work_seq": -1, **_CLEARED}
                changed = update(attempts).where(attempts.c.id == there.id).values(**values)
                return _record((await connection.execute(changed.returning(*_COLUMNS))).one())

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def note_call(self, run: Run, attempt: int, call: Mapping[str, Any]) -> None:
        """Store which tool call goes on, already redacted: ``seq`` of its turn, ``name``, ``args``.

        It counts until the turn ``seq`` is stored. Raises LeaseLost.
        """
        at = func.jsonb_build_object("at", func.clock_timestamp())
        doing = literal(plain(call), attempts.c.doing.type).op("||")(at)
        noted = update(attempts).where(attempts.c.id == attempt, is_held(run)).values(doing=doing)

        async def once() -> None:
            async with write_to(self.engine) as connection:
                if (await connection.execute(noted)).rowcount != 1:
                    raise make_lease_lost(run)

        await retry_while_away(once, seconds=WAIT_SECONDS)

    async def add_turn(
        self,
        run: Run,
        attempt: int,
        seq: int,
        record: Mapping[str, Any],
        *,
        last_steering: int = 0,
        work: ChangeSet | None = None,
        diff: str | None = None,
    ) -> bool:
        """Store one turn, already redacted, and the workspace's change set (None: unchanged by this turn).

        ``diff`` is what people are shown of the workspace until the attempt ends, redacted too.

        A turn with the same ``seq`` is replaced. Returns whether the attempt can be continued from here: not
        when the workspace is too large to be stored. Raises LeaseLost.
        """
        shown = {} if diff is None else {"diff": storable(diff)}
        row = select(
            literal(attempt),
            literal(seq),
            literal(plain(record), attempt_turns.c.record.type),
            literal(last_steering),
        )
        new = insert(attempt_turns).from_select(
            ["attempt", "seq", "record", "heard"], row.where(is_held(run))
        )
        new = new.on_conflict_do_update(
            index_elements=["attempt", "seq"],
            set_={"record": new.excluded.record, "heard": new.excluded.heard, "at": func.now()},
        )
        fits = work is None or sum(len(file.data) for file in work.files) <= MAX_WORKSPACE_BYTES

        async def once() -> bool:
            async with self.engine.begin() as connection:
                if not (await connection.execute(new.returning(attempt_turns.c.seq))).first():
                    raise make_lease_lost(run)
                if shown:
                    mine = attempts.c.id == attempt
                    await connection.execute(update(attempts).where(mine).values(shown))
                if not fits:
                    return False
                if work is not None:
                    await _store_work(connection, attempt, work)
                mine = attempts.c.id == attempt
                if work is None:  # as it was after the turn before, when that one is known
                    mine = mine & (attempts.c.work_seq == seq - 1)
                done = await connection.execute(update(attempts).where(mine).values(work_seq=seq))
                return done.rowcount == 1

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def load_unfinished_work(self, attempt: AttemptRecord) -> UnfinishedWork | None:
        """What an attempt that did not end can be continued from, or None.

        Later turns are left out: they are done again.
        """
        if attempt.work_seq < 0:
            return None
        turns = select(attempt_turns.c.record, attempt_turns.c.heard).where(
            attempt_turns.c.attempt == attempt.id, attempt_turns.c.seq <= attempt.work_seq
        )
        async with read_from(self.engine) as connection:
            rows = (await connection.execute(turns.order_by(attempt_turns.c.seq))).all()
            changes = await _load_work(connection, attempt)
        if changes is None or len(rows) != attempt.work_seq + 1:
            return None
        return UnfinishedWork(
            records=tuple(row.record for row in rows), changes=changes, last_steering=rows[-1].heard
        )

    async def end_attempt(
        self,
        run: Run,
        attempt: int,
        state: AttemptState,
        *,
        outcome: Outcome | None = None,
        diff: str = "",
        proof: Proof | None = None,
        usage: Usage | None = None,
        changes: ChangeSet | None = None,
        error: str = "",
    ) -> None:
        """Store an attempt's result and delete its stored workspace. Raises LeaseLost."""
        values = {
            "outcome": plain(outcome),
            "diff": await asyncio.to_thread(storable, diff),
            "proof": plain(proof),
            "usage": plain(usage),
            "changes": None if changes is None else await asyncio.to_thread(_pack_changes, changes),
            "error": storable(error),
        }
        ended = {"state": state, "ended_at": func.now(), "work": None, "work_seq": -1}
        mine = update(attempts).where(attempts.c.id == attempt, is_held(run))
        await self._end_under_lease(run, attempt, mine.values(**values, **ended))

    async def choose_attempt(self, run: Run, task_id: int, ordinal: int) -> None:
        """Mark the attempt at a task's request that is published, and no other. Raises LeaseLost."""
        chosen = update(attempts).where(attempts.c.task == task_id, is_held(run))

        async def once() -> None:
            async with write_to(self.engine) as connection:
                if not (
                    await connection.execute(chosen.values(chosen=attempts.c.ordinal == ordinal))
                ).rowcount:
                    raise make_lease_lost(run)

        await retry_while_away(once, seconds=WAIT_SECONDS)

    async def load_attempt_changes(self, attempt: AttemptRecord) -> ChangeSet | None:
        """An attempt's change set: its final one, or its workspace's while it goes on; None: not stored."""
        async with read_from(self.engine) as connection:
            packed = await connection.scalar(select(attempts.c.changes).where(attempts.c.id == attempt.id))
            if packed is None:
                return await _load_work(connection, attempt)
        return await asyncio.to_thread(lambda: restore(ChangeSet, unpack(bytes(packed))))

    async def _end_under_lease(self, run: Run, attempt: int, statement: Update) -> None:
        async def once() -> None:
            async with self.engine.begin() as connection:
                if (await connection.execute(statement)).rowcount != 1:
                    raise make_lease_lost(run)
                await connection.execute(delete(attempt_files).where(attempt_files.c.attempt == attempt))

        await retry_while_away(once, seconds=WAIT_SECONDS)


async def _delete_turns_and_files(connection: AsyncConnection, attempt: int) -> None:
    for table in (attempt_turns, attempt_files):
        await connection.execute(delete(table).where(table.c.attempt == attempt))


async def _store_work(connection: AsyncConnection, attempt: int, work: ChangeSet) -> None:
    mine = attempt_files.c.attempt == attempt
    known = set(await connection.scalars(select(attempt_files.c.sha256).where(mine)))
    packed, names, new = await asyncio.to_thread(_pack_work, work, known)
    if new:
        rows = [{"attempt": attempt, "sha256": name, "data": data} for name, data in new.items()]
        await connection.execute(insert(attempt_files), rows)
    if gone := known - names:
        await connection.execute(delete(attempt_files).where(mine, attempt_files.c.sha256.in_(gone)))
    await connection.execute(update(attempts).where(attempts.c.id == attempt).values(work=packed))


def _pack_work(work: ChangeSet, known: AbstractSet[str]) -> tuple[bytes, set[str], dict[str, bytes]]:
    """The list of a workspace's files, packed; the names of their contents, and those that are not known."""
    named = [(hashlib.sha256(file.data).hexdigest(), file) for file in work.files]
    new = {name: zlib.compress(file.data, 1) for name, file in dict(named).items() if name not in known}
    listed = [[file.path, file.kind.value, file.mode, name] for name, file in named]
    return pack({"base": work.base, "files": listed}), {name for name, _ in named}, new


async def _load_work(connection: AsyncConnection, attempt: AttemptRecord) -> ChangeSet | None:
    packed = await connection.scalar(select(attempts.c.work).where(attempts.c.id == attempt.id))
    if packed is None:  # nothing was touched until now
        return ChangeSet(base=attempt.base_sha) if attempt.work_seq >= 0 else None
    found = await connection.execute(
        select(attempt_files.c.sha256, attempt_files.c.data).where(attempt_files.c.attempt == attempt.id)
    )
    return await asyncio.to_thread(_unpack_work, bytes(packed), {row.sha256: row.data for row in found})


def _unpack_work(packed: bytes, kept: Mapping[str, bytes]) -> ChangeSet | None:
    """The workspace that was packed; None where a content is not kept."""
    contents = {name: zlib.decompress(bytes(data)) for name, data in kept.items()}
    stored = unpack(packed)
    if any(name not in contents for *_, name in stored["files"]):
        return None
    files = tuple(
        FileChange(path=path, kind=ChangeKind(kind), mode=mode, data=contents[name])
        for path, kind, mode, name in stored["files"]
    )
    return ChangeSet(base=stored["base"], files=files)


def _pack_changes(changes: ChangeSet) -> bytes:
    parents = {"parents": list(changes.parents)} if changes.parents else {}
    return pack({"base": changes.base, "files": list(changes.files), "held": list(changes.held), **parents})


def _record(row: Row[Any]) -> AttemptRecord:
    return AttemptRecord(**{**row._mapping, "state": AttemptState(row.state)})
