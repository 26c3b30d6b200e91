"""Commands in the background: they are reached, they are bounded, and nothing of them outlives its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sandbox.bwrap.sandbox import BwrapSandbox
from sandbox.limits.process_tree import list_descendants
from sandbox.spec import BackgroundUnavailable, Command
from tests.support.sandbox import open_base_sandbox, shell

FETCH = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8765/readme.txt').read())"
SERVE = "python3 -u -m http.server 8765 --bind 127.0.0.1"
# What is read at a path is replaced all the time: by a link out, by a pipe that nobody writes to, by nothing.
MOVING = "while :; do echo x > f; rm f; ln -s /etc/passwd f; rm f; mkfifo f; rm f; mkdir f; rmdir f; done"


def bash(line: str, **more: float) -> Command:
    return Command(argv=("bash", "-c", line), **more)  # type: ignore[arg-type]


@pytest.fixture
async def sandbox(tmp_path) -> AsyncIterator[BwrapSandbox]:
    opened = await open_base_sandbox(tmp_path)
    try:
        await (await opened.start(bash("true"))).wait(30)
    except BackgroundUnavailable as reason:
        await opened.aclose()
        pytest.skip(str(reason))
    yield opened
    await opened.aclose()


async def until_printed(command, words: bytes) -> bytes:
    """What a command printed, once ``words`` are among it."""
    seen = b""
    while words not in seen:
        await command.wait(0.02)
        seen += command.take_output()[0]
        assert command.state.is_running or words in seen, seen
    return seen


async def test_a_server_is_reached_by_later_commands_and_read(sandbox):
    server = await sandbox.start(bash(SERVE))
    await until_printed(server, b"Serving")
    for _ in range(2):
        fetched = await shell(sandbox, f'python3 -c "{FETCH}"; (setsid sleep 99 &)')
        assert fetched.text == "b'hello\\n'\n"
    assert b"GET /readme.txt" in await until_printed(server, b"GET")
    below = set(list_descendants(server.pid))
    assert set(sandbox.list_strays()) == {server.pid, *below}, "what a command leaves behind is dead"
    await server.stop()
    assert (await shell(sandbox, "echo next")).ok
    assert sandbox.list_strays() == [], "all of it is gone before the next command begins"
    assert (server.state.is_running, server.state.reason) == (False, "it was stopped")


async def test_how_it_ends_is_told(sandbox):
    ended = await sandbox.start(bash("echo bye; exit 3"))
    missing = await sandbox.start(Command(argv=("no-such-program",)))
    late = await sandbox.start(bash("trap '' TERM; (setsid sleep 99 &); sleep 99", seconds=0.2))
    for each in (ended, missing, late):
        await each.wait(30)
        assert not each.state.is_running
    assert (ended.state.exit_code, ended.take_output()) == (3, (b"bye\n", 0))
    assert missing.state.exit_code is None and b"no-such-program" in missing.take_output()[0]
    assert late.state.reason == "its time was over"
    assert (await shell(sandbox, "echo next")).ok
    assert sandbox.list_strays() == []


async def test_it_is_stopped_while_another_command_runs(sandbox):
    endless = await sandbox.start(bash("while :; do :; done"))
    running = asyncio.create_task(shell(sandbox, "cat; sleep 0.5; echo still here"))
    await asyncio.sleep(0.05)
    await endless.stop()
    assert not endless.state.is_running
    assert (await running).text == "still here\n"


async def test_old_output_makes_room_for_new(sandbox):
    loud = await sandbox.start(bash("head -c 3000000 /dev/zero | tr '\\0' x; echo end"))
    await loud.wait(30)
    text, dropped = loud.take_output()
    assert text.endswith(b"xend\n") and len(text) == 256 * 1024
    assert len(text) + dropped == 3_000_004
    assert loud.take_output() == (b"", 0)


async def test_nothing_moves_while_the_workspace_is_read(sandbox):
    mover = await sandbox.start(bash(MOVING))
    for _ in range(8):
        entries = await asyncio.to_thread(sandbox.entries)
        assert not [each for each in entries if b"root:" in each.data]
        assert mover.state.is_running
    await asyncio.to_thread(sandbox.entries)
    assert (await shell(sandbox, "echo works")).ok


async def test_nothing_outlives_the_sandbox(sandbox):
    hidden = await sandbox.start(bash("trap '' TERM INT HUP; (setsid sleep 99 &); echo up; sleep 99"))
    await until_printed(hidden, b"up")
    keeper = sandbox.keeper_pid
    assert len(list(list_descendants(keeper))) > 2
    await sandbox.aclose()
    assert list(list_descendants(keeper)) == []


async def test_the_limits_are_those_of_the_sandbox(sandbox):
    hungry = await sandbox.start(Command(argv=("python3", "-c", "x = bytearray(1 << 30); input()")))
    await hungry.wait(30)
    assert not hungry.state.is_running
    assert (await shell(sandbox, "echo works")).text == "works\n"


async def test_commands_that_start_at_the_same_time_have_the_whole_filter(sandbox):
    for _ in range(5):
        other = await sandbox.start(bash("grep Seccomp: /proc/self/status"))
        mine = await shell(sandbox, "grep Seccomp: /proc/self/status")
        await other.wait(30)
        assert mine.text.split() == other.take_output()[0].decode().split() == ["Seccomp:", "2"]


async def test_where_it_could_not_be_bounded_it_is_refused(tmp_path):
    async with await open_base_sandbox(tmp_path, on_disk=True) as sandbox:
        with pytest.raises(BackgroundUnavailable, match="in memory"):
            await sandbox.start(bash("echo no"))
