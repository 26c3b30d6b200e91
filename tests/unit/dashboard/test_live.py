"""A run as it goes on: what its stream of events says, and where it goes on after a break."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bot.dashboard import create_app, live
from bot.dashboard.rendering.headline import render_edit, render_headline
from bot.dashboard.rendering.timeline import list_spans
from bot.dashboard.server import engine_for
from bot.domain import Phase, Run, TaskState
from bot.errors import LeaseLost
from bot.offline.chores import make_guest_command
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.store import Store
from tests.support.tasks import make_request

EVIL = "<script>alert(1)</script>\r\rdata: forged\n\nevent: end\n\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine)
    engine.dispose()


async def begin(store: Store) -> tuple[Run, int]:
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    await store.set_phase(claimed[1], Phase.PREPARE)
    await store.set_phase(claimed[1], Phase.THINK)
    attempt = await store.begin_attempt(claimed[1])
    return claimed[1], attempt.id


async def add_turns(store: Store, run: Run, attempt: int, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        call = {"name": "shell", "args": {"command": f"echo {seq}"}, "output": EVIL, "ok": True, "ms": 1}
        total = {"turns": seq + 1, "input_tokens": 10 * seq, "output_tokens": 1, "usd": 0.5}
        record = {"seq": seq, "model": "m", "text": "", "calls": [call], "ms": {"turn": 3}, "total": total}
        await store.add_turn(run, attempt, seq, record)


def read_events(
    client: FlaskClient, path: str, *, seen: str = "", most: int = 10_000
) -> list[tuple[str, str]]:
    """The events of a stream, (name, id), until it ends or ``most`` of them came."""
    headers = {"Last-Event-ID": seen} if seen else {}
    answer = client.get(path, headers=headers, buffered=False)
    assert answer.mimetype == "text/event-stream"
    found = []
    for part in answer.response:
        text = part.decode() if isinstance(part, bytes) else str(part)
        assert "<script>" not in text
        for name, _, number in re.findall(r"^event: (\w+)\n(id: ([\d.]+)\n)?", text, re.MULTILINE):
            found.append((name, number))
        if len(found) >= most:
            break
    answer.close()
    return found


async def test_s84_every_turn_comes_once_also_after_a_break(app: Flask, store: Store) -> None:
    run, attempt = await begin(store)
    await add_turns(store, run, attempt, 0, 29)
    path, client = f"/runs/{run.id}/events", app.test_client()
    first = await asyncio.to_thread(read_events, client, path, most=8)
    assert first == [("turn", f"{seq}.0") for seq in range(8)]
    with ThreadPoolExecutor(8) as viewers:  # of their own: the store's work has to find a thread too
        watching = [viewers.submit(read_events, app.test_client(), path, seen="7.0") for _ in range(8)]
        await asyncio.sleep(0.1)
        await add_turns(store, run, attempt, 30, 34)
        await store.finish_run(run)
        await store.release(run, TaskState.DONE)
        seen = [await asyncio.wrap_future(each) for each in watching]
    for events in seen:
        assert [number for name, number in events if name == "turn"] == [f"{seq}.0" for seq in range(8, 35)]
        assert events[-1] == ("end", "")
        assert ("head", "") in events and ("again", "") not in events
    assert app.extensions["live"].places._value == live.MOST_VIEWERS, "every place was given back"


async def test_a_transcript_that_began_anew_is_loaded_anew(app: Flask, store: Store) -> None:
    run, attempt = await begin(store)
    await add_turns(store, run, attempt, 0, 0)
    path = f"/runs/{run.id}/events?after=9"
    assert await asyncio.to_thread(read_events, app.test_client(), path) == [("again", "")]


async def test_there_are_places_for_so_many(app: Flask, store: Store) -> None:
    run, _ = await begin(store)
    for _ in range(live.MOST_VIEWERS):
        app.extensions["live"].places.acquire()
    assert app.test_client().get(f"/runs/{run.id}/events").status_code == 503


async def test_what_a_run_used_is_shown_while_it_goes_on(app: Flask, store: Store) -> None:
    run, attempt = await begin(store)
    await add_turns(store, run, attempt, 0, 2)
    page = app.test_client().get(f"/runs/{run.id}").text
    assert "3 turns, 20 + 1 tokens, $0.50" in page
    assert "prepare" in page and "think (now)" in page


async def test_a_command_that_goes_on_is_shown_until_its_turn_is_over(app: Flask, store: Store) -> None:
    run, attempt = await begin(store)
    await add_turns(store, run, attempt, 0, 0)
    page, client = f"/runs/{run.id}", app.test_client()
    await store.note_call(run, attempt, {"seq": 1, "name": "shell", "args": {"command": "make <b>test"}})
    assert "<code>$ make &lt;b&gt;test</code>" in client.get(page).text
    await add_turns(store, run, attempt, 1, 1)
    assert 'class="doing"' not in client.get(page).text
    await store.note_call(run, attempt, {"seq": 2, "name": "check", "args": {}})
    assert "Run the check" in client.get(page).text
    await store.release(run, TaskState.FAILED)
    assert 'class="doing"' not in client.get(page).text
    with pytest.raises(LeaseLost):
        await store.note_call(run, attempt, {"seq": 3, "name": "shell", "args": {}})


def test_an_event_cannot_be_forged_by_what_it_carries() -> None:
    assert live.make_event("turn", "a\r\rb\n\nevent: x", place=live.StreamPlace(turn=3, piece=7)) == (
        "event: turn\nid: 3.7\ndata: a\ndata: \ndata: b\ndata: \ndata: event: x\n\n"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("shell", {"command": "pytest -q\n  && true"}, "$ pytest -q && true"),
        (
            "shell",
            {"command": make_guest_command("mend", "--test", "pytest -q")},
            "Search for a change that makes the tests pass",
        ),
        ("shell", {"command": make_guest_command("other")}, "$ python -I /opt/hob/guest/other"),
        ("read", {"path": "a.py", "start": 40}, "Read a.py from line 40"),
        ("read", {"path": "a.py", "start": 1}, "Read a.py"),
        ("search", {"pattern": "x|y", "path": "src"}, "Search “x|y” in src"),
        ("write", {"path": "a.py", "text": "a\nb\n"}, "Write a.py (2 lines)"),
        ("background", {"start": "serve"}, "In the background: $ serve"),
        ("background", {"stop": 2}, "Stop the background command 2"),
        ("note", {"path": "a.py", "line": 3}, "Remark on a.py:3"),
        ("finish", {"kind": "changed", "title": "Mend"}, "Finish: Mend"),
        ("plan", {"steps": "no list"}, "Plan 0 steps"),
        ("shell", {"": "{not json"}, "shell {not json"),
        ("unheard", {"of": "\x1b[31mred\u202e"}, "unheard red\\u202e"),
        ("shell", "text", "$"),
        ("shell", {"command": "x" * 500}, f"$ {'x' * 117}…"),
    ],
)
def test_a_call_in_one_line(name: str, arguments: object, line: str) -> None:
    assert render_headline({"name": name, "args": arguments}) == line


def test_an_edit_is_shown_as_what_it_changes() -> None:
    call = {"name": "edit", "args": {"path": "a", "old": "a\nb", "new": "a\nc"}}
    assert render_edit(call) == [("same", "a"), ("del", "b"), ("add", "c")]
    assert render_edit({"name": "shell", "args": {}}) == render_edit({"name": "edit", "args": "x"}) == []


def test_a_run_of_an_older_version_has_no_timeline() -> None:
    assert list_spans({"timeline": None, "started_at": None, "ended_at": None}) == []
