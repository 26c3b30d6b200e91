"""Variants on live work: what is read of each, whether they differ, and how many tasks more it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from bot.experiments.compare import Finding, compare_variants, render_experiment
from bot.experiments.outcomes import VariantOutcomes, load_outcomes
from bot.flags.known import FlagError
from bot.tasks.database.connection import Database
from bot.tasks.store import Store

_TASK = text("""
    WITH made AS (
        INSERT INTO tasks (kind, state, installation, repo, repo_id, repo_full_name, thread, thread_number,
            trigger, requester, request, thread_key, delivery, verdict, pull, updated_at)
        VALUES (:kind, :state, 5, '{}', 11, 'octo/app', '{}', 1, '{}', '{"id": 7, "login": "ann"}', 'fix',
            gen_random_uuid(), gen_random_uuid(), :verdict, :pull, now() + interval '3 minutes') RETURNING id)
    INSERT INTO runs (task, attempt, fence, worker, state, flags, usage, prompt)
    SELECT id, 1, 1, 'w', :state, cast(:flags AS jsonb), '{"usd": 0.5}', :prompt FROM made
""")


async def add_task(database: Database, value: str | None, **fields: Any) -> None:
    flags: dict[str, Any] = {"prompt": {"value": value, **fields.pop("told", {})}} if value else {}
    row = {"kind": "change", "state": "done", "verdict": "proved", "pull": 0, "prompt": "aaa"} | fields
    async with database.engine.begin() as connection:
        await connection.execute(_TASK, row | {"flags": json.dumps(flags)})


async def load(database: Database, flag: str = "prompt", days: int = 30) -> list[VariantOutcomes]:
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda plain: load_outcomes(plain, flag, days=days))


async def test_each_variant_is_told_by_how_its_tasks_ended(database: Database, store: Store) -> None:
    await add_task(database, "v2", pull=3)
    await add_task(database, "v2", kind="revise", pull=3)
    await add_task(database, "v2", state="failed", verdict="")
    await add_task(database, "v2", told={"ignored": "hob.yml says another"})
    await add_task(database, "v2", state="queued")
    await add_task(database, None, pull=4, prompt="bbb")
    await store.note_pull_end(11, 3, merged=True, thumbs_up=2, thumbs_down=1)
    await store.note_pull_end(11, 4, merged=False, thumbs_up=0, thumbs_down=0)
    assert await store.note_revert(11, 3, by=9)
    assert not await store.note_revert(11, 999, by=9)
    first, second = await load(database)
    assert (first.name, first.tasks, first.failed, first.changes, first.proved) == ("v2", 3, 1, 3, 2)
    assert (first.pulls, first.merged, first.reverted, first.rounds) == (1, 1, 1, 1.0)
    assert (first.up, first.down, first.usd, round(first.minutes)) == (2, 1, 0.5, 3)
    assert (second.name, second.tasks, second.pulls, second.merged) == ("", 1, 1, 0)
    versions = await load(database, "prompt-version")
    assert [(each.name, each.tasks) for each in versions] == [("aaa", 4), ("bbb", 1)]
    with pytest.raises(FlagError, match="there is no flag"):
        await load(database, "promt")
    with pytest.raises(FlagError, match="from 1 to 3650"):
        await load(database, days=0)


def make_variant(name: str, tasks: int, **fields: Any) -> VariantOutcomes:
    shares = {"failed": 0, "changes": tasks, "proved": tasks // 2, "pulls": 0, "merged": 0, "reverted": 0}
    more = {"rounds": 0.0, "usd": 0.0, "usd_variance": 0.0, "minutes": 1.0, "up": 0, "down": 0}
    return VariantOutcomes(name=name, tasks=tasks, **(shares | more | fields))


def find(name: str, found: list[Any]) -> Any:
    return next(each for each in found if each.respect == name)


def test_what_differs_is_said() -> None:
    base = make_variant("", 400)
    found = compare_variants([base, make_variant("bad", 400, proved=80, failed=100)], base)
    assert find("proved", found).finding is Finding.WORSE
    assert find("failed", found).finding is Finding.WORSE
    better = compare_variants([base, make_variant("good", 400, proved=380)], base)
    assert find("proved", better).finding is Finding.BETTER


def test_what_is_alike_is_said_and_what_costs_more() -> None:
    base = make_variant("", 3000, usd=1.0, usd_variance=0.2)
    found = compare_variants([base, make_variant("same", 3000, usd=3.0, usd_variance=0.2)], base)
    assert find("proved", found).finding is Finding.ALIKE
    assert find("cost", found).finding is Finding.WORSE


def test_it_says_how_many_tasks_more_would_tell_and_keeps_its_word() -> None:
    base = make_variant("", 40, proved=20)
    found = find("proved", compare_variants([base, make_variant("v2", 40, proved=26)], base))
    assert found.finding is Finding.OPEN
    assert found.more is not None and 100 < found.more < 2000
    scale = 1 + found.more / 40
    later = make_variant("", round(40 * scale), proved=round(20 * scale))
    new = make_variant("v2", round(40 * scale * 1.1), proved=round(26 * scale * 1.1))
    assert find("proved", compare_variants([later, new], later)).finding is not Finding.OPEN


def test_few_tasks_say_nothing() -> None:
    base = make_variant("", 9)
    assert compare_variants([base], base) == []
    assert compare_variants([base, make_variant("v2", 9)], base) == []


def test_the_report() -> None:
    base, new = make_variant("", 40, pulls=10, merged=5, up=3), make_variant("v2", 400, proved=390)
    lines = render_experiment("prompt", [new, base], compare_variants([new, base], base), "")
    assert lines[0].split()[:4] == ["variant", "tasks", "failed", "proved"]
    assert any(line.startswith("not set") and "50% of 10" in line and "+3 -0" in line for line in lines)
    assert any(line.startswith("v2: better in proved (proved: 98% of 400 tasks") for line in lines)
    assert "one variant alone" in render_experiment("prompt", [base], [], "")[-1]
    assert "no task that ended was told" in render_experiment("prompt", [], [], "")[0]
    few = make_variant("v3", 2)
    assert "fewer than 10 tasks ended of v3" in render_experiment("prompt", [base, few], [], "")[-1]
