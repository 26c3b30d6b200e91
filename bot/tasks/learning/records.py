"""The tables of corrections and of the rules that were proposed from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Repo
from bot.tasks.database.column_values import plain, restore, storable
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import corrections, proposed_rules
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule, RuleState

MOST_COMPARED = 200  # corrections of a repository, the newest
_ONE_AT_A_TIME = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
)  # until the transaction ends
_FORGET_PERSON = text("""
    UPDATE proposed_rules SET words = '', seeds = '[]'
    WHERE EXISTS (SELECT FROM jsonb_array_elements(seeds) AS seed WHERE lower(seed ->> 'login') = :name)
""")


class LearningRecords:
    """The tables ``corrections`` and ``proposed_rules``."""

    engine: AsyncEngine

    async def add_corrections(self, installation: int, repo: Repo, found: Sequence[Correction]) -> int:
        """Store those that are new, by their source; returns how many."""
        if not found:
            return 0
        rows = [
            {
                "repo_id": repo.id,
                "repo_full_name": storable(repo.full_name),
                "installation": installation,
                "source": storable(one.source),
                "kind": one.kind.value,
                "pull": one.pull,
                "words": storable(one.words),
                "url": storable(one.url),
                "person": one.person,
                "login": storable(one.login),
                "path": storable(one.path),
            }
            for one in found
        ]
        new = insert(corrections).values(rows).on_conflict_do_nothing().returning(corrections.c.source)
        async with self.engine.begin() as connection:
            return len((await connection.execute(new)).all())

    async def list_corrections(self, repo_id: int) -> list[Correction]:
        """Those of a repository, the newest ``MOST_COMPARED``, the newest first."""
        query = select(corrections).where(corrections.c.repo_id == repo_id)
        newest = query.order_by(corrections.c.at.desc(), corrections.c.source).limit(MOST_COMPARED)
        async with read_from(self.engine) as connection:
            return [_build_correction(row) for row in await connection.execute(newest)]

    async def forget_corrections(self, repo_id: int) -> int:
        """Delete what a repository gave that does not agree any more; returns how many.

        The rules that were proposed stay known: each is proposed once.
        """
        async with self.engine.begin() as connection:
            gone = await connection.execute(delete(corrections).where(corrections.c.repo_id == repo_id))
        return gone.rowcount

    async def add_proposed_rule(self, installation: int, repo: Repo, rule: ProposedRule) -> bool:
        """Store a rule that is to be proposed, or was found to be known; False where it was stored before.

        One that is wanted is not stored, either, while another of the repository is wanted or open: of two
        workers that choose at one moment one waits for the other, and then sees it.
        """
        row = {
            "repo_id": repo.id,
            "repo_full_name": storable(repo.full_name),
            "installation": installation,
            "key": rule.key,
            "kind": rule.kind.value,
            "words": storable(rule.words),
            "file_kind": storable(rule.file_kind),
            "seeds": plain(rule.seeds),
            "state": rule.state.value,
        }
        new = insert(proposed_rules).values(row).on_conflict_do_nothing().returning(proposed_rules.c.key)
        under_way = select(proposed_rules.c.key).where(
            proposed_rules.c.repo_id == repo.id,
            proposed_rules.c.state.in_([RuleState.WANTED.value, RuleState.OPENED.value]),
        )
        async with self.engine.begin() as connection:
            if rule.state is RuleState.WANTED:
                await connection.execute(_ONE_AT_A_TIME, {"name": f"rules of {repo.id}"})
                if await connection.scalar(under_way.limit(1)) is not None:
                    return False
            return (await connection.execute(new)).first() is not None

    async def list_proposed_rules(self, repo_id: int) -> list[ProposedRule]:
        """Every rule that was proposed in a repository, the oldest first."""
        query = select(proposed_rules).where(proposed_rules.c.repo_id == repo_id)
        async with read_from(self.engine) as connection:
            rows = await connection.execute(query.order_by(proposed_rules.c.at, proposed_rules.c.key))
            return [_build_rule(row) for row in rows]

    async def note_rule(self, repo_id: int, key: str, state: RuleState, *, pull: int) -> None:
        """Store what became of a rule."""
        mine = (proposed_rules.c.repo_id == repo_id) & (proposed_rules.c.key == key)
        async with self.engine.begin() as connection:
            await connection.execute(update(proposed_rules).where(mine).values(state=state.value, pull=pull))

    async def note_rule_end(self, repo_id: int, pull: int, *, merged: bool) -> bool:
        """Store how a rule's pull request was closed; False where it is none."""
        state = RuleState.MERGED if merged else RuleState.CLOSED
        mine = (proposed_rules.c.repo_id == repo_id) & (proposed_rules.c.pull == pull)
        change = update(proposed_rules).where(mine, proposed_rules.c.pull > 0).values(state=state.value)
        async with self.engine.begin() as connection:
            return (await connection.execute(change)).rowcount > 0

    async def purge_learning(self, *, repo: str = "", person: str = "") -> int:
        """Delete what was learned in a repository, or of a person; returns how many corrections.

        Rules with a person's words lose these and their source; that they were proposed stays known.
        """
        name = (repo or person).lower()
        column = corrections.c.repo_full_name if repo else corrections.c.login
        async with self.engine.begin() as connection:
            gone = await connection.execute(delete(corrections).where(func.lower(column) == name))
            if repo:
                rule = func.lower(proposed_rules.c.repo_full_name)
                await connection.execute(delete(proposed_rules).where(rule == name))
            else:
                await connection.execute(_FORGET_PERSON, {"name": name})
        return gone.rowcount


def _build_correction(row: Any) -> Correction:
    return Correction(
        source=row.source,
        kind=CorrectionKind(row.kind),
        pull=row.pull,
        words=row.words,
        url=row.url,
        person=row.person,
        login=row.login,
        path=row.path,
    )


def _build_rule(row: Any) -> ProposedRule:
    return ProposedRule(
        key=row.key,
        kind=CorrectionKind(row.kind),
        words=row.words,
        file_kind=row.file_kind,
        seeds=tuple(restore(Correction, one) for one in row.seeds),
        state=RuleState(row.state),
        pull=row.pull,
    )
