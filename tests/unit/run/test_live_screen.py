"""What a command prints is seen while it runs: from the sandbox by the database to the dashboard's stream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from bot.dashboard import create_app, live
from bot.dashboard.live_output import OutputReader
from bot.dashboard.server import engine_for
from bot.domain import Phase, Run, TaskState
from bot.run import live_screen
from bot.run.live_screen import KEPT_CHARS, RunScreen
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.live import records
from bot.tasks.live.records import OutputPiece, WatchedRuns
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from bot.text.redact import Redactor
from bot.workspace.network import NetworkObserver
from sandbox.spec import BackgroundUnavailable, Command
from tests.support.sandbox import open_base_sandbox
from tests.support.tasks import make_request, until

SECRET = "Zx81-spectrum-Qd4477-hunter2-Wl9"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_screen, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(records, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine)
    engine.dispose()


@pytest.fixture
async def run(store: Store) -> Run:
    claimed = await store.claim((await store.add_task(make_request())).id, "w")
    assert claimed
    await store.set_phase(claimed[1], Phase.PREPARE)
    return claimed[1]


@pytest.fixture
async def screen(store: Store, run: Run) -> AsyncIterator[RunScreen]:
    async with RunScreen(store, WatchedRuns(store), run, Redactor([SECRET])) as screen:
        yield screen


def find_output(app: Flask) -> OutputReader:
    reader: OutputReader = app.extensions["output"]
    return reader


async def list_lines(app: Flask, run: Run) -> dict[int, str]:
    """The lines of the run's first command by number, the newest text of each."""
    pieces = await asyncio.to_thread(find_output(app).list_pieces, run.id, 0)
    return {
        piece["line"] + at: line
        for piece in pieces
        if piece["command"] == 1 and piece["text"]
        for at, line in enumerate(piece["text"].split("\n"))
    }


async def test_a_command_is_seen_while_it_runs(
    tmp_path: Path, app: Flask, store: Store, run: Run, screen: RunScreen
) -> None:
    sandbox = await open_base_sandbox(tmp_path)
    observed = NetworkObserver(sandbox, screen=screen, place="on 1234567")
    script = f"echo $'\\e[31mone\\e[0m'; printf 'two '; sleep 1; echo {SECRET}; exit 3"
    watching = asyncio.create_task(asyncio.to_thread(read_stream, app, run.id))
    running = asyncio.create_task(observed.run(Command(argv=("bash", "-c", script))))
    await until(lambda: has_lines(app, run, 2))
    assert not running.done()
    done = await running
    await until(lambda: has_ended(app, run))
    assert done.exit_code == 3
    assert await list_lines(app, run) == {0: "\x1b[31mone\x1b[0m", 1: "two [redacted: known secret]"}
    (title,) = {each["title"] for each in find_output(app).list_pieces(run.id, 0)}
    assert title.startswith("echo $") and title.endswith("(on 1234567)") and SECRET not in title
    await store.finish_run(run)
    await store.release(run, TaskState.DONE)
    said = await watching
    assert '<span class="line"><span class="a-c1">one</span>' in said and "exit code 3" in said
    ids = re.findall(r"^event: output\nid: -1\.(\d+)$", said, re.MULTILINE)
    assert ids == [str(each) for each in range(1, len(ids) + 1)], "each piece once, in order"
    await sandbox.aclose()


async def test_what_a_command_printed_last_is_shown_before_the_end_of_the_run(
    app: Flask, store: Store, run: Run, screen: RunScreen
) -> None:
    await asyncio.to_thread(find_output(app).mark_watched, run.id)
    lines = screen.open("make all")
    lines.add(b"the last line\n")
    lines.end("exit code 3, 0.1 s")
    await until(lambda: has_ended(app, run))
    await store.finish_run(run)
    await store.release(run, TaskState.DONE)
    said = await asyncio.to_thread(read_stream, app, run.id)
    shown = said[: said.index("event: end")]
    assert "the last line" in shown and "exit code 3" in shown


async def test_a_command_in_the_background_is_seen_beside_others(
    tmp_path: Path, app: Flask, run: Run, screen: RunScreen
) -> None:
    sandbox = await open_base_sandbox(tmp_path)
    observed = NetworkObserver(sandbox, screen=screen, place="on 1234567")
    await asyncio.to_thread(find_output(app).mark_watched, run.id)
    line = f"echo up {SECRET}; while [ ! -e go ]; do sleep 0.05; done; echo went; exec sleep 99"
    try:
        server = await observed.start(Command(argv=("bash", "-c", line)))
    except BackgroundUnavailable as reason:
        await sandbox.aclose()
        pytest.skip(str(reason))
    await until(lambda: has_line(app, run, "up [redacted: known secret]"))
    await observed.run(Command(argv=("bash", "-c", "touch go")))
    await until(lambda: has_line(app, run, "went"))
    assert server.state.is_running, "it is seen while it runs"
    assert server.take_output() == (f"up {SECRET}\nwent\n".encode(), 0), "and the agent gets all of it"
    await server.stop()
    await until(lambda: ends_with(app, run, 1, "it was stopped"))
    ended = await observed.start(Command(argv=("bash", "-c", "exit 3")))
    await ended.wait(30)
    await until(lambda: ends_with(app, run, 3, "exit code 3"))
    left = await observed.start(Command(argv=("bash", "-c", "sleep 99")))
    await sandbox.aclose()
    await until(lambda: ends_with(app, run, 4, "its sandbox was closed"))
    assert not left.state.is_running
    titles = {each["command"]: each["title"] for each in find_output(app).list_pieces(run.id, 0)}
    assert titles[1].startswith("echo up") and titles[3] == "exit 3 (in the background, on 1234567)"
    assert titles[2] == "touch go (on 1234567)"


async def ends_with(app: Flask, run: Run, command: int, how: str) -> bool:
    """Whether the last that is known of a command is that it ended so."""
    pieces = await asyncio.to_thread(find_output(app).list_pieces, run.id, 0)
    ends = [each["ended"] for each in pieces if each["command"] == command]
    return bool(ends) and ends[-1].startswith(how)


def read_stream(app: Flask, run: int) -> str:
    """All that the stream says until its end."""
    with app.test_client().get(f"/runs/{run}/events") as answer:
        return answer.text


async def has_lines(app: Flask, run: Run, many: int) -> bool:
    return len(await list_lines(app, run)) >= many


async def has_line(app: Flask, run: Run, line: str) -> bool:
    return line in (await list_lines(app, run)).values()


async def has_ended(app: Flask, run: Run) -> bool:
    pieces = await asyncio.to_thread(find_output(app).list_pieces, run.id, 0)
    return bool(pieces) and bool(pieces[-1]["ended"])


async def test_nothing_is_stored_while_nobody_watches_and_then_the_last_lines(
    app: Flask, run: Run, screen: RunScreen, store: Store
) -> None:
    first = screen.open("make all")
    for number in range(20_000):
        first.add(b"line %d\n" % number)
    for _ in range(5):
        screen.open("true").end("exit code 0, 0.1 s")
    await asyncio.sleep(0.1)
    assert find_output(app).list_pieces(run.id, 0) == []
    await asyncio.to_thread(find_output(app).mark_watched, run.id)
    await until(lambda: has_lines(app, run, 1))
    lines = await list_lines(app, run)
    assert lines[19_999] == "line 19999" and len("".join(lines.values())) <= live_screen.MOST_CHARS
    pieces = find_output(app).list_pieces(run.id, 0)
    assert [each["command"] for each in pieces] == [1, 3, 4, 5, 6], "of those that ended the last ones"


async def test_what_is_stored_is_bounded_and_goes_with_the_run(
    app: Flask, run: Run, screen: RunScreen, store: Store, database: Database
) -> None:
    await asyncio.to_thread(find_output(app).mark_watched, run.id)
    view = screen.open("yes")
    for number in range(40):
        view.add((b"x" * 1999 + b"\n") * 6 + b"n%d\n" % number)
        await until(partial(has_line, app, run, f"n{number}"))
    stored = find_output(app).list_pieces(run.id, 0)
    assert 0 < sum(len(each["text"]) for each in stored) <= KEPT_CHARS
    await store.finish_run(run)
    await store.release(run, TaskState.DONE)
    await sweep(database.engine)
    assert find_output(app).list_pieces(run.id, 0) == stored, "for a minute"
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET ended_at = now() - interval '2 minutes'"))
        await connection.execute(text("UPDATE live_viewers SET until = now() - interval '2 minutes'"))
    await sweep(database.engine)
    assert find_output(app).list_pieces(run.id, 0) == []
    assert await store.list_watched_runs() == set()


async def test_a_secret_over_several_pieces_is_not_shown(app: Flask, run: Run, screen: RunScreen) -> None:
    await asyncio.to_thread(find_output(app).mark_watched, run.id)
    view, rest = screen.open("cat key"), SECRET
    while rest:
        view.add(rest[:11].encode() + b"\n")
        many = len(await list_lines(app, run)) + 1
        await until(partial(has_lines, app, run, many))
        rest = rest[11:]
    view.add(b"free again\n" * 60)
    await until(lambda: has_lines(app, run, 60))
    shown = "\n".join((await list_lines(app, run)).values())
    assert SECRET[:22] not in shown.replace("\n", "") and "[redacted" in shown
    assert shown.endswith("free again")


async def test_a_piece_is_stored_once_however_often_it_is_sent(store: Store, app: Flask, run: Run) -> None:
    piece = OutputPiece(serial=1, command=1, title="t", line=0, text="a\0b")
    for _ in range(2):
        await store.add_output(run, [piece], forget_until=0)
    (stored,) = find_output(app).list_pieces(run.id, 0)
    assert stored["text"] == "a\ufffdb"
