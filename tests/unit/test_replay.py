"""A stored run driven again: it agrees, or the first place where it does not is named."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from bot.cli.main import main
from bot.replay.render import render_text
from bot.replay.replay import Divergence, ReplayReport
from bot.replay.sameness import is_same, render_difference
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.flow import DONE, FAULTY, MEND, at_work, call

TOKEN = "ghp_" + "a1B2" * 10


async def replay(*arguments: str) -> Result:
    """The command, in a thread because it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["replay", *arguments])


async def test_a_stored_run_is_driven_again(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = call("plan", steps=[{"text": "Mend", "state": "doing"}])
    odd = call("shell", command="date +%T.%N; mktemp; python -c 'print(object())'")
    key = call("shell", command=f"echo {TOKEN}")
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says([plan, odd], [], [call("read", path="no.py"), MEND, key], [DONE])
        issue = await hob.issue("calc", "Doubling is wrong", "@hob please fix this")
        await hob.comment("calc", issue["number"], "**Done**")
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_DATABASE_URL", database.url)
    [run] = await Store(database.engine).list_runs(1)

    done = await replay(str(run.id))
    assert done.exit_code == 0, done.output
    assert "All 4 turns agree." in done.output
    assert "points in time in 1" in done.output
    assert "temporary names in 1" in done.output
    assert "the stored answer is redacted in turn 3" in done.output

    async with database.engine.begin() as connection:
        change = "replace(record::text, 'no.py does not exist', 'no.py was there')::jsonb"
        changed = [
            await connection.execute(text(f"UPDATE {table} SET record = {change} WHERE seq = 2"))
            for table in await _turns(database)
        ]
        assert sum(each.rowcount for each in changed) == 1
    done = await replay(str(run.id), "--json")
    assert done.exit_code == 1
    shown = json.loads(done.stdout)
    assert (shown["agree"], shown["turns"], shown["of"]) == (False, 3, 4)
    divergence = shown["divergence"]
    assert (divergence["turn"], divergence["call"], divergence["what"]) == (3, 1, 'read {"path": "no.py"}')
    assert divergence["diff"].endswith("-[error] no.py was there\n+[error] no.py does not exist")
    for arguments, why in (
        (["99"], "there is no run 99"),
        ([str(run.id), "--attempt", "7"], f"run {run.id} "),
    ):
        done = await replay(*arguments)
        assert done.exit_code == 2, done.output
        assert why in done.output
    await asyncio.to_thread(shutil.rmtree, home / "mirrors")
    done = await replay(str(run.id))
    assert done.exit_code == 2
    assert f"the mirror of maintainer/calc on this machine has no commit {run.base_sha}" in done.output


async def _turns(database: Database) -> list[str]:
    """The tables that hold turns."""
    async with database.engine.connect() as connection:
        named = await connection.execute(
            text("SELECT table_name FROM information_schema.columns WHERE column_name = 'record'")
        )
        return [row[0] for row in named]


@pytest.mark.parametrize(
    ("recorded", "new", "kind"),
    [
        ("same", "same", None),
        ("[exit code 0, 0.3 s]\nok", "[exit code 0, 12.0 s]\nok", "durations"),
        ("== 1 passed in 0.12s ==", "==== 1 passed in 10.12s ====", "durations"),
        ("at 2026-01-02T03:04:05Z", "at 2027-11-12T13:14:15Z", "points in time"),
        ("drwx Nov 23 23:17 x", "drwx Jan  3 01:02 x", "points in time"),
        ("/tmp/tmp.abc/x", "/tmp/tmp.xyz/x", "temporary names"),
        ("<object at 0x7f04d863750>", "<object at 0x7f04d863999>", "addresses in memory"),
        ("key [redacted: GitHub token] end", "key other end", "redacted words"),
    ],
)
def test_what_varies_by_nature_is_left_aside_and_said(recorded: str, new: str, kind: str | None) -> None:
    aside: Counter[str] = Counter()
    assert is_same(recorded, new, aside)
    assert aside == (Counter([kind]) if kind else Counter())


@pytest.mark.parametrize(
    ("recorded", "new"),
    [
        ("1 passed", "1 failed"),
        ("[exit code 0, 0.3 s]", "[exit code 1, 0.3 s]"),
        ("key [redacted: x] end", "key other tail"),
        ("total 8", "total 9"),
    ],
)
def test_what_says_otherwise_differs(recorded: str, new: str) -> None:
    aside: Counter[str] = Counter()
    assert not is_same(recorded, new, aside)
    assert not aside


def test_a_difference_is_short() -> None:
    shown = render_difference("\n".join(map(str, range(500))), "\n".join(map(str, range(500, 1000))))
    assert shown.splitlines()[-1] == "[more differs]"
    assert len(shown.splitlines()) == 41


def test_a_person_is_told_the_place_and_the_difference() -> None:
    divergence = Divergence(turn=3, call=1, what='read {"path": "x"}', diff="-a\n+b")
    text = render_text(ReplayReport(turns=3, of=4, divergence=divergence, remarks=["this or that"]))
    assert text == 'Diverged at turn 3, call 1 of 4 turns: read {"path": "x"}\n-a\n+b\nNote: this or that.'
