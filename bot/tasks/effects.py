"""Writing to GitHub at most once: the intent is recorded first, and looked up before a write is repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import bindparam, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from bot.domain import Effect, EffectKind, Run
from bot.tasks.database.column_values import plain
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import effects
from bot.tasks.database.transactions import retry_while_away
from bot.tasks.leases.fence import make_lease_lost, name_lease
from bot.tasks.leases.records import LEASE, LeaseRecords, make_renewal

Answer = dict[str, Any]


class Recordable(Protocol):
    """A value that can be recorded as the answer of a write, and read back from it."""

    @classmethod
    def from_json(cls, answer: Any) -> Self:
        """The value in a recorded answer."""

    def to_json(self) -> Answer:
        """The answer to record."""


Recorded = TypeVar("Recorded", bound=Recordable)
_WAIT_SECONDS = 10.0  # that a record waits for a database that is away

# Built once: building a statement costs more than running it.
_COLUMNS = ("key", "task", "run", "kind")
_NAMED = {name: bindparam(f"new_{name}", type_=effects.c[name].type) for name in _COLUMNS}
_HELD = make_renewal().cte("held")  # no parameter may be called as a column of it
_INTENT_OF_RUN = (
    insert(effects)
    .from_select(_COLUMNS, select(_NAMED["key"], _HELD.c.id, _NAMED["run"], _NAMED["kind"]))
    .on_conflict_do_nothing()
    .returning(effects.c.key)
)
_INTENT = insert(effects).values(_NAMED).on_conflict_do_nothing().returning(effects.c.key)
_ANSWER = (
    update(effects)
    .where(effects.c.key == bindparam("of_key"), effects.c.state == literal_column("'intended'"))
    .values(
        state="done",
        answer=bindparam("said", type_=effects.c.answer.type),
        done_at=func.now(),
        run=func.coalesce(bindparam("of_run", type_=effects.c.run.type), effects.c.run),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One of several writes that are done in one request; ``find`` looks whether it is there already."""

    key: str
    kind: EffectKind
    find: Callable[[], Awaitable[Answer | None]] | None = None


class Effects:
    """The outward writes of one run; with ``run`` None those outside a run, one at a time for each key."""

    def __init__(self, store: LeaseRecords, run: Run | None = None, *, task: int | None = None) -> None:
        self._store = store
        self._run = run
        self._task = run.task if run else task

    async def once(
        self,
        key: str,
        kind: EffectKind,
        *,
        find: Callable[[], Awaitable[Answer | None]] | None,
        do: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The answer of the write named ``key``, done now unless it was done before.

        When an earlier run recorded its intent and no answer, ``find`` is asked first whether the write
        is there. ``do`` runs only while the run's fence holds. Raises LeaseLost, and whatever ``find`` and
        ``do`` raise: then the intent stays, and the next run looks first.
        """
        if self._run is None:
            async with self._lock_key(key):
                return await self._do_once(key, kind, find, do)
        return await self._do_once(key, kind, find, do)

    async def once_as(
        self,
        record: type[Recorded],
        key: str,
        kind: EffectKind,
        *,
        find: Callable[[], Awaitable[Recorded | None]] | None,
        do: Callable[[], Awaitable[Recorded]],
    ) -> Recorded:
        """``once`` for a write whose answer is a ``record``, which is stored as JSON."""

        async def find_answer() -> Answer | None:
            found = await find() if find else None
            return found.to_json() if found is not None else None

        async def do_write() -> Answer:
            return (await do()).to_json()

        return record.from_json(await self.once(key, kind, find=find_answer if find else None, do=do_write))

    async def once_together(
        self, writes: Sequence[Write], do: Callable[[Set[str]], Awaitable[Mapping[str, Answer]]]
    ) -> None:
        """Several writes, those that were not done before in one request.

        ``do`` is called with their keys and returns the answers of those that came to pass; the others stay
        intended, and the next run looks for them first. Raises as ``once`` does.
        """
        wanted, fenced = set(), True
        for write in writes:
            known, fresh = await self._find_answer(write.key, write.kind, write.find)
            if known is None:
                wanted.add(write.key)
                fenced = fenced and fresh
        if wanted:
            if not fenced:
                await self._require_fence()
            for key, answer in (await do(wanted)).items():
                await self._record_answer(key, answer)

    async def _do_once(
        self,
        key: str,
        kind: EffectKind,
        find: Callable[[], Awaitable[Answer | None]] | None,
        do: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        known, fresh = await self._find_answer(key, kind, find)
        if known is not None:
            return known
        if not fresh:
            await self._require_fence()
        return await self._record_answer(key, await do())

    async def _find_answer(
        self, key: str, kind: EffectKind, find: Callable[[], Awaitable[Answer | None]] | None
    ) -> tuple[Answer | None, bool]:
        """The answer of a write that was done; None where it is still to be done, which is recorded.

        The second is True where that was recorded just now, with the lease renewed.
        """
        fresh = await retry_while_away(lambda: self._record_intent(key, kind), seconds=_WAIT_SECONDS)
        if not fresh:
            known = await retry_while_away(lambda: self.get(key), seconds=_WAIT_SECONDS)
            if known is None:
                raise make_lease_lost(self._run) if self._run else LookupError(f"effect {key} is gone")
            if known.done:
                return dict(known.answer), False
            found = await find() if find else None
            if found is not None:
                return await self._record_answer(key, found), False
        return None, fresh

    async def _require_fence(self) -> None:
        if run := self._run:  # and a whole lease ahead for the write
            await retry_while_away(lambda: self._store.renew_lease(run), seconds=_WAIT_SECONDS)

    async def get(self, key: str) -> Effect | None:
        """The effect recorded under a key, or None."""
        async with read_from(self._store.engine) as connection:
            row = (await connection.execute(select(effects).where(effects.c.key == key))).first()
        if row is None:
            return None
        return Effect(
            key=row.key,
            kind=EffectKind(row.kind),
            task=row.task or 0,
            done=row.state == "done",
            answer=row.answer or {},
        )

    async def _record_intent(self, key: str, kind: EffectKind) -> bool:
        """Record the intent, and hold the task for another lease; False when it was recorded before, or the
        run no longer holds its task.
        """
        run, statement = self._run, _INTENT
        asked = {"new_key": key, "new_run": run.id if run else None, "new_kind": kind.value}
        if run:
            asked, statement = asked | name_lease(run, lease=LEASE), _INTENT_OF_RUN
        else:
            asked["new_task"] = self._task
        async with write_to(self._store.engine) as connection:
            return (await connection.execute(statement, asked)).first() is not None

    async def _record_answer(self, key: str, answer: Answer) -> Answer:
        """Record the answer, also when the lease was lost: the write is done, and a later run must know."""

        async def once() -> None:
            async with write_to(self._store.engine) as connection:
                of_run = self._run.id if self._run else None
                await connection.execute(_ANSWER, {"of_key": key, "said": plain(answer), "of_run": of_run})

        await retry_while_away(once, seconds=_WAIT_SECONDS)
        return answer

    @asynccontextmanager
    async def _lock_key(self, key: str) -> AsyncIterator[None]:
        """Hold the key's advisory lock; the server lets go of it when this process dies."""
        async with self._store.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                await connection.execute(
                    text("SELECT pg_advisory_lock(hashtextextended(:key, 0))"), {"key": key}
                )
                yield
                await connection.execute(
                    text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), {"key": key}
                )
            except BaseException:
                await connection.invalidate()  # closed, so that no lock goes back into the pool
                raise
