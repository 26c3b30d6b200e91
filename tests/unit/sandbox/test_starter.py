"""The process that forks keepers: what it leaves to whom, and how it may end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.keeper.process import start_keeper
from sandbox.limits.process_tree import process_name
from tests.support.sandbox import base_layer, open_base_sandbox, shell


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def namespace(pid: int, kind: str) -> str:
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())


def sockets(pid: int) -> set[str]:
    found = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return {each for each in found if each.startswith("socket:")}


async def test_keepers_are_forked_by_one_process_and_live_in_sessions_of_their_own(tmp_path: Path) -> None:
    base_layer(tmp_path)
    async with await open_base_sandbox(tmp_path) as one, await open_base_sandbox(tmp_path) as other:
        starter = parent_of(one.keeper_pid)
        assert parent_of(other.keeper_pid) == starter and process_name(starter) == "hob-starter"
        assert parent_of(starter) == os.getpid()
        assert len({os.getsid(pid) for pid in (0, starter, one.keeper_pid, other.keeper_pid)}) == 4
        for kind in ("mnt", "net"):
            at = [namespace(pid, kind) for pid in (os.getpid(), starter, one.keeper_pid, other.keeper_pid)]
            assert at[0] == at[1] and len(set(at)) == 3
        assert not sockets(other.keeper_pid) & (sockets(starter) | sockets(one.keeper_pid))


@pytest.mark.parametrize("asked", [False, True], ids=["before it is asked", "while it is asked"])
async def test_a_killed_starter_takes_nothing_along_and_another_one_follows(
    tmp_path: Path, asked: bool
) -> None:
    base_layer(tmp_path)
    async with await open_base_sandbox(tmp_path) as before:
        starter = parent_of(before.keeper_pid)
        os.kill(starter, signal.SIGSTOP if asked else signal.SIGKILL)
        opening = asyncio.create_task(open_base_sandbox(tmp_path))
        if asked:
            await asyncio.sleep(0.2)  # it is asked in this time, or is killed before: both have to do
            os.kill(starter, signal.SIGKILL)
        async with await opening as after:
            assert parent_of(after.keeper_pid) not in (starter, os.getpid())
            assert (await shell(after, "echo after")).text == "after\n"
        assert (await shell(before, "echo before")).text == "before\n"


def test_a_keeper_whose_socket_ends_is_gone_without_a_trace() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    keeper = start_keeper(theirs)
    assert theirs.fileno() < 0 and not keeper.wait(0)
    ours.close()
    assert keeper.wait(60)
    assert not Path(f"/proc/{keeper.pid}").exists()
    keeper.kill()  # of what is gone it is no error


async def test_who_gives_up_at_the_start_leaves_no_keeper(tmp_path: Path) -> None:
    base_layer(tmp_path)
    async with await open_base_sandbox(tmp_path) as there:
        starter = parent_of(there.keeper_pid)
        opening = asyncio.create_task(open_base_sandbox(tmp_path))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        assert opening.cancelled()
        assert await asyncio.to_thread(wait_until_alone, there.keeper_pid, starter)


def wait_until_alone(keeper: int, starter: int) -> bool:
    children = Path(f"/proc/{starter}/task/{starter}/children")
    deadline = time.monotonic() + 60
    while (alone := children.read_text().split() == [str(keeper)]) is False and time.monotonic() < deadline:
        time.sleep(0.01)
    return alone


FORKS = """
import asyncio, os, sys
from pathlib import Path
from tests.support.sandbox import open_base_sandbox, shell
async def use() -> None:
    async with await open_base_sandbox(Path(sys.argv[1])) as sandbox:
        done = await shell(sandbox, f"echo {os.getpid()}")
        print(done.text == f"{os.getpid()}\\n", flush=True)
asyncio.run(use())
if child := os.fork():
    os.waitpid(child, 0)
asyncio.run(use())
"""


def test_a_forked_process_has_a_starter_of_its_own(tmp_path: Path) -> None:
    base_layer(tmp_path)
    done = subprocess.run([sys.executable, "-c", FORKS, str(tmp_path)], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")
