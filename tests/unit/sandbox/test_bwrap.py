"""Commands in a real sandbox: what they get, what they cannot do, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import open_sandbox
from sandbox.bwrap.sandbox import open_bwrap
from sandbox.limits.process_tree import list_descendants
from sandbox.spec import Command, Ending, MiB, Mount, Policy, SandboxUnavailable
from tests.support.sandbox import SMALL, base_layer, begin, open_base_sandbox, python, shell


async def test_a_command_in_its_workspace(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, "pwd; cat readme.txt; id -un; exit 3")
    assert (ran.exit_code, ran.ending, ran.ok) == (3, Ending.EXITED, False)
    assert ran.text == "/workspace\nhello\nhob\n"


async def test_streams_directory_and_environment(tmp_path):
    policy = Policy(limits=SMALL, env=(("A", "1"), ("B", "2")))
    async with await open_base_sandbox(tmp_path, policy=policy) as sandbox:
        ran = await shell(
            sandbox,
            "cat; echo $A$B; pwd; echo oops >&2",
            stdin=b"in\0put\n",
            cwd="/workspace/pkg",
            env=(("B", "3"),),
            split_stderr=True,
        )
        merged = await shell(sandbox, "echo a; echo b >&2; echo c")
        silent = await shell(sandbox, "cat")
    assert (ran.output, ran.errors) == (b"in\0put\n13\n/workspace/pkg\n", b"oops\n")
    assert merged.output == b"a\nb\nc\n"
    assert silent.output == b""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Command(argv=("no-such-program",)), 127),
        (Command(argv=("true",), cwd="/workspace/missing"), 126),
        (Command(argv=("sh", "-c", "kill -9 $$")), 137),
        (Command(argv=("true", "x" * 200_000)), 126),
        (Command(argv=("true", "a\0b")), 126),
    ],
)
async def test_exit_codes_are_a_shells(tmp_path, command, code):
    async with await open_base_sandbox(tmp_path) as sandbox:
        assert (await sandbox.run(command)).exit_code == code


async def test_arguments_are_bytes(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await sandbox.run(Command(argv=("printf", "%s|", "ü", os.fsdecode(b"\xff"), "", "-x")))
    assert ran.output == b"\xc3\xbc|\xff||-x|"


async def test_a_keeper_that_dies_takes_all_with_it(tmp_path):
    sandbox = await open_base_sandbox(tmp_path)
    running = await begin(sandbox, "echo begun; sleep 99")
    below = list(list_descendants(sandbox.keeper_pid))
    os.kill(sandbox.keeper_pid, signal.SIGKILL)
    with pytest.raises(SandboxUnavailable, match="keeper died"):
        await running
    assert below and until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
    with pytest.raises(SandboxUnavailable, match="keeper died"):
        await shell(sandbox, "true")
    await sandbox.aclose()


async def test_work_survives_from_command_to_command_and_not_beyond(tmp_path):
    base = base_layer(tmp_path)
    before = sorted(path.name for path in base.rglob("*"))
    async with await open_base_sandbox(tmp_path) as sandbox:
        assert (await shell(sandbox, "echo x > new; rm readme.txt; echo y > /tmp/t; echo z > ~/h")).ok
        assert (await shell(sandbox, "cat new /tmp/t ~/h; ls readme.txt")).text.startswith("x\ny\nz\n")
    async with await open_base_sandbox(tmp_path) as sandbox:
        assert not (await shell(sandbox, "cat new /tmp/t ~/h")).ok
        assert (await shell(sandbox, "cat readme.txt")).text == "hello\n"
    assert sorted(path.name for path in base.rglob("*")) == before


async def test_side_by_side(tmp_path):
    base_layer(tmp_path)

    async def one(number: int) -> str:
        async with await open_base_sandbox(tmp_path) as sandbox:
            await shell(sandbox, f"echo {number} > mine; sleep 0.1")
            return (await shell(sandbox, "cat mine; ls /proc | grep -c '^[0-9]'")).text

    found = await asyncio.gather(*(one(number) for number in range(8)))
    assert [text.split()[0] for text in found] == [str(number) for number in range(8)]


async def test_the_event_loop_goes_on(tmp_path):
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async with await open_base_sandbox(tmp_path) as sandbox:
        ticking = asyncio.ensure_future(tick())
        await shell(sandbox, "sleep 0.4")
        ticking.cancel()
    assert ticks >= 5


async def test_a_flood_of_output_costs_little(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        heard = 0

        def hear(data: bytes) -> None:
            nonlocal heard
            heard += len(data)

        command = Command(
            argv=("sh", "-c", "echo first; head -c 300000000 /dev/zero; echo last"), output_bytes=10_000
        )
        before = resident()
        ran = await sandbox.run(command, on_output=hear)
        grown = resident() - before
    assert ran.output.startswith(b"first\n") and ran.output.endswith(b"last\n")
    assert ran.omitted_bytes == 300_000_011 - 10_000
    assert heard == 300_000_011
    assert grown < 2 * MiB


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


DAEMONS = [
    "trap '' TERM INT HUP; sleep 99",
    "(setsid nohup sleep 99 >/dev/null 2>&1 &); sleep 99",
    "while :; do :; done",
    "for n in 1 2 3 4 5 6 7 8; do (setsid sh -c 'sh -c \"sleep 99\" & sleep 99' &); done; sleep 99",
]


@pytest.mark.parametrize("script", DAEMONS)
async def test_a_timeout_ends_everything(tmp_path, script):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, script, seconds=0.3)
        assert not sandbox.list_strays()
    assert (ran.ending, ran.exit_code) == (Ending.TIMED_OUT, None)
    assert ran.seconds < 30  # they would live for 99


async def test_what_a_command_leaves_running_dies_with_it(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, "(setsid sleep 99 &) ; (sleep 99 &) ; echo done")
        assert not sandbox.list_strays()
    assert ran.ok and ran.seconds < 30


async def test_cancelling_kills_and_leaves_the_sandbox_usable(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        running = await begin(sandbox, "echo x > here; echo begun; sleep 99")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not sandbox.list_strays()
        assert (await shell(sandbox, "cat here")).text == "x\n"


async def test_closing_kills_what_runs(tmp_path):
    sandbox = await open_base_sandbox(tmp_path)
    running = await begin(sandbox, "echo begun; sleep 99")
    await sandbox.aclose()
    assert (await running).ending is Ending.STOPPED
    assert not Path(f"/proc/{sandbox.keeper_pid}").exists()
    await sandbox.aclose()
    with pytest.raises(SandboxUnavailable, match="closed"):
        await shell(sandbox, "true")


WORKER = """
import asyncio, sys
from pathlib import Path
from tests.support.sandbox import open_base_sandbox, shell
async def main():
    sandbox = await open_base_sandbox(Path(sys.argv[1]))
    print(sandbox.keeper_pid, flush=True)
    await shell(sandbox, "sleep 99")
asyncio.run(main())
"""


def until(condition):
    deadline = time.monotonic() + 60
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def test_a_killed_worker_leaves_nothing(tmp_path):
    base_layer(tmp_path)
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        keeper = int(worker.stdout.readline())
        below = until(lambda: list(list_descendants(keeper)))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert below
    assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in (keeper, *below)))
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


async def test_memory_runs_out(tmp_path):
    """The kernel says so where control groups are; a watchdog may come second to a process's own limit."""
    hog = "x = []\nwhile True: x.append(b'x' * (1 << 20))"
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, hog)
        refused = "watchdog" in sandbox.facts["limits"] and "MemoryError" in ran.text
        assert ran.ending is Ending.OUT_OF_MEMORY or refused
        assert (await shell(sandbox, "echo fine")).text == "fine\n"


BOMB = """
import os, time
n = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(99)
        n += 1
except BlockingIOError:
    print(n)
"""


async def test_processes_run_out(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, BOMB)
    assert 16 < int(ran.text) <= SMALL.processes + 8


@pytest.mark.parametrize(
    ("place", "size"),
    [("/workspace/x", 24 * MiB), ("/tmp/x", 8 * MiB), ("/dev/shm/x", 4 * MiB)],
)
async def test_every_place_is_sized(tmp_path, place, size):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, f"cat /dev/zero > {place}; stat -c %s {place}")
    assert "No space left" in ran.text or "File too large" in ran.text
    assert int(ran.text.split()[-1]) <= size


async def test_many_small_files_run_out_too(tmp_path):
    source = (
        "n = 0\ntry:\n    while True: open(f'f{n}', 'w').close(); n += 1\n"
        "except OSError as error: print(error.errno, n)"
    )
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, source)
    error, made = map(int, ran.text.split())
    assert (error, made < 10_000) == (28, True)


async def test_mounts_are_shown_read_only(tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "hello").write_text("#!/bin/sh\necho hello\n")
    (tools / "hello").chmod(0o755)
    policy = Policy(
        limits=SMALL, mounts=(Mount(source=tools, target="/opt/tools"),), path=("/opt/tools", "/usr/bin")
    )
    async with await open_base_sandbox(tmp_path, policy=policy) as sandbox:
        assert (await sandbox.run(Command(argv=("hello",)))).text == "hello\n"
        ran = await shell(sandbox, "echo x > /opt/tools/x; echo x > /opt/x; rm /opt/tools/hello")
    assert ran.text.count("Read-only file system") == 3
    assert [path.name for path in tools.iterdir()] == ["hello"]


@pytest.mark.parametrize(
    "target", ["/workspace/x", "/workspace", "relative", "/", "/usr/x", "/opt/../workspace/x", "/tmp"]
)
async def test_no_mount_is_made_in_the_checkout_or_over_the_root(tmp_path, target):
    policy = Policy(mounts=(Mount(source=tmp_path, target=target),))
    with pytest.raises(SandboxUnavailable, match="target"):
        await open_base_sandbox(tmp_path, policy=policy)
    assert not (tmp_path / "base" / "x").exists()


async def test_on_disk_where_a_tmpfs_will_not_do(tmp_path):
    policy = Policy(limits=replace(SMALL, workspace_bytes=4 * MiB))
    async with await open_base_sandbox(tmp_path, policy=policy, on_disk=True) as sandbox:
        assert sandbox.facts["workspace"] == "disk"
        assert (await shell(sandbox, "echo x > new; mkdir d; chmod 0 d; rm -r pkg")).ok
        assert [entry.path for entry in sandbox.entries()] == [b"new", b"pkg"]
        ran = await shell(sandbox, "head -c 8000000 /dev/zero > big; sleep 10")
        assert ran.ending is Ending.OUT_OF_SPACE
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"search": "/nonexistent"}, "apt install bubblewrap"),
        ({"layers": []}, "pass at least one directory"),
        ({"layers": [Path("/nonexistent/layer")]}, "make the named path readable"),
        ({"policy": Policy(mounts=(Mount(source=Path("/nonexistent"), target="/opt/x"),))}, "create it"),
    ],
)
async def test_what_is_missing_is_named(tmp_path, change, said):
    base = base_layer(tmp_path)
    wanted = {"layers": [base], "policy": Policy(), "scratch": tmp_path / "scratch", **change}
    with pytest.raises(SandboxUnavailable) as caught:
        await open_bwrap(**wanted)
    assert said in caught.value.mend


async def test_an_old_bubblewrap_is_refused(tmp_path):
    old = tmp_path / "bin" / "bwrap"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
    old.chmod(0o755)
    wanted = {"layers": [base_layer(tmp_path)], "policy": Policy(), "scratch": tmp_path}
    with pytest.raises(SandboxUnavailable, match=r"0\.6\.1.*install bubblewrap 0\.8"):
        await open_bwrap(**wanted, search=str(old.parent))


async def test_an_unknown_backend_is_no_backend(tmp_path):
    with pytest.raises(SandboxUnavailable, match="no sandbox backend"):
        await open_sandbox(layers=[base_layer(tmp_path)], policy=Policy(), scratch=tmp_path, backend="none")
