"""Which ceilings are in force, and what stands in where control groups cannot be made."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from dataclasses import replace

import pytest

from sandbox.limits import control_groups
from sandbox.limits.control_groups import ControlGroup
from sandbox.limits.process_tree import resident_bytes, start_time
from sandbox.limits.rlimits import list_rlimits
from sandbox.limits.watchdog import Watchdog
from sandbox.spec import Ending, MiB, Policy
from tests.support import ROOT
from tests.support.sandbox import SMALL, open_base_sandbox, python


def version_2(root):
    """A tree that looks like a delegated group of version 2; the kernel's part is played by plain files."""
    own = root / control_groups._own_group_path("") if control_groups._own_group_path("") else root
    own.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "cgroup.controllers": "cpu memory pids",
        "cgroup.subtree_control": "memory pids",
    }.items():
        (own / name).write_text(text)
    return own


def test_version_2_gets_its_ceilings(tmp_path):
    version_2(tmp_path)
    group = control_groups.make_group(SMALL, tmp_path)
    (directory,) = group.directories
    assert group.by == "control groups, version 2"
    written = {path.name: path.read_text() for path in directory.iterdir()}
    assert written == {
        "memory.max": str(SMALL.memory_bytes),
        "memory.swap.max": "0",
        "pids.max": str(SMALL.processes + 8),
    }
    (directory / "memory.events").write_text("low 0\noom 2\noom_kill 3\n")
    assert group.count_memory_kills() == 3


IN_A_CONTAINER = """
mount -t cgroup2 none /sys/fs/cgroup && grep -q hugetlb /sys/fs/cgroup/cgroup.controllers || exit 77
cd /sys/fs/cgroup && before=$(cat cgroup.subtree_control) && mkdir hob-test
echo +hugetlb > cgroup.subtree_control && echo $$ > hob-test/cgroup.procs
again='umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
unshare --cgroup --mount sh -c "cd / && $again" sh "$@"
code=$?
echo $$ > cgroup.procs && rmdir hob-test/hob-worker hob-test
[ -n "$before" ] || echo -hugetlb > cgroup.subtree_control
exit $code
"""
STEPS_ASIDE = """
from sandbox.limits import control_groups
own = control_groups._own_group_path("")
control_groups._move_into_leaf(control_groups.CGROUPS)
(control_groups.CGROUPS / "cgroup.subtree_control").write_text("+hugetlb")
assert own == control_groups._own_group_path("") == "", own
(control_groups.CGROUPS / "cgroup.subtree_control").write_text("-hugetlb")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the hierarchy")
def test_version_2_makes_room_at_a_containers_root():
    """On the real hierarchy, with the one controller that is free where version 1 has the others."""
    script = ["sh", "-c", IN_A_CONTAINER, "sh", sys.executable, "-c", STEPS_ASIDE]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(["unshare", "--mount", *script], capture_output=True, text=True, env=env)
    if ran.returncode == 77:
        pytest.skip("no controller of version 2 is free here")
    assert ran.returncode == 0, ran.stderr


def test_processors_are_shared_out(tmp_path):
    version_2(tmp_path)
    (directory,) = control_groups.make_group(replace(SMALL, cpus=0.5), tmp_path).directories
    assert (directory / "cpu.max").read_text() == "50000 100000"


async def test_half_a_processor_is_half_as_fast(tmp_path):
    """Only where this process may make a group for it; else the wall clock is the bound."""
    spin = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 0.2: pass"
    policy = Policy(limits=replace(SMALL, cpus=0.1))
    async with await open_base_sandbox(tmp_path, policy=policy) as sandbox:
        ran = await python(sandbox, spin)
        bounded = any("cpu" in str(path) for path in sandbox._group.directories)
    assert ran.ok and (ran.seconds > 0.8 or not bounded)


async def test_a_run_has_an_end(tmp_path):
    async with await open_base_sandbox(
        tmp_path, policy=Policy(limits=replace(SMALL, run_seconds=0.5))
    ) as sandbox:
        first, second = await python(sandbox, "import time; time.sleep(9)"), await python(sandbox, "1")
    assert (first.ending, second.ending) == (Ending.TIMED_OUT, Ending.TIMED_OUT)


async def test_processor_time_of_a_process_has_an_end(tmp_path):
    async with await open_base_sandbox(
        tmp_path, policy=Policy(limits=replace(SMALL, cpu_seconds=1))
    ) as sandbox:
        ran = await python(sandbox, "while True: pass")
    assert ran.ending is Ending.EXITED and ran.exit_code in (128 + 9, 128 + 24)


async def test_a_long_output_is_whole_in_a_file_inside(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, "for n in range(40_000): print(n)")
        whole = await python(sandbox, f"print(open({ran.output_file!r}).read() == "
                             "''.join(f'{n}\\n' for n in range(40_000)))")  # fmt: skip
        short = await python(sandbox, "print(1)")
    assert ran.omitted_bytes and ran.output_file == "/output/1.txt" and whole.text == "True\n"
    assert short.output_file == ""


def test_groups_of_dead_workers_are_taken_away(tmp_path):
    own = version_2(tmp_path)
    dead, reused = own / "hob-999999999-1-0", own / f"hob-{os.getpid()}-1-0"
    living = own / f"hob-{os.getpid()}-{start_time(os.getpid())}-0"
    for directory in (dead, reused, living):
        directory.mkdir()
    control_groups.make_group(SMALL, tmp_path)
    assert [directory.exists() for directory in (dead, reused, living)] == [False, False, True]


def test_without_any_group_it_says_so(tmp_path):
    group = control_groups.make_group(SMALL, tmp_path / "nothing")
    assert (group.contained, group.directories, group.count_memory_kills()) == (False, (), 0)
    assert "watchdog" in group.by
    kinds = dict(list_rlimits(SMALL, contained=group.contained))
    assert kinds[resource.RLIMIT_DATA] > SMALL.memory_bytes
    assert resource.RLIMIT_DATA not in dict(list_rlimits(SMALL, contained=True))


@pytest.fixture
def without_groups(monkeypatch):
    """This host as one whose control groups cannot be written."""
    monkeypatch.setattr(control_groups, "make_group", lambda _: ControlGroup("rlimits and a watchdog"))


async def test_the_watchdog_ends_a_tree_that_grows(tmp_path, without_groups):
    grow = (
        "import os, time\nfor _ in range(4):\n    if not os.fork():\n"
        "        x = b'x' * (100 << 20); time.sleep(30)\ntime.sleep(30)"
    )
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, grow)
        assert not sandbox.list_strays()
    assert ran.ending is Ending.OUT_OF_MEMORY
    assert ran.seconds < 25  # they would sleep for 30


async def test_one_great_step_is_refused(tmp_path, without_groups):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, "x = b'x' * (1 << 30)")
    assert ran.exit_code == 1 and "MemoryError" in ran.text


async def test_memory_that_no_process_has_is_refused_or_seen(tmp_path, without_groups):
    """In a file without a name, in a segment, or shared and let go of: resident nowhere."""
    hidden = (
        "import ctypes, errno, mmap, os, time\n"
        "try: os.memfd_create('x')\nexcept OSError as error: print(error.errno == errno.ENOSYS)\n"
        "print(ctypes.CDLL(None).shmget(0, 1 << 20, 0o1666), flush=True)\nkept = []\n"
        "for _ in range(30):\n    kept.append(mmap.mmap(-1, 10 << 20)); kept[-1].write(b'x' * (10 << 20))\n"
        "    kept[-1].madvise(mmap.MADV_DONTNEED)\ntime.sleep(30)"
    )
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, hidden)
    assert (ran.text, ran.ending) == ("True\n-1\n", Ending.OUT_OF_MEMORY)
    assert ran.seconds < 25  # they would sleep for 30


async def test_outputs_that_are_kept_have_a_bound_together(tmp_path):
    """Each is over the cap; the oldest make room, so that the host's disk does not fill."""
    policy = Policy(limits=replace(SMALL, kept_output_bytes=MiB, all_output_bytes=3 * MiB))
    async with await open_base_sandbox(tmp_path, policy=policy) as sandbox:
        ran = [await python(sandbox, "print('x' * 1_500_000)") for _ in range(5)]
        left = await python(sandbox, "import os; print(*sorted(os.listdir('/output')))")
    assert [each.output_file for each in ran] == [f"/output/{n}.txt" for n in range(1, 6)]
    assert left.text == "4.txt 5.txt\n"


async def test_the_watchdog_counts_processes():
    killed = asyncio.Event()
    none = replace(SMALL, processes=-9, memory_bytes=1 << 60)
    watchdog = Watchdog(os.getpid(), none, killed.set, period=0.01)
    async with asyncio.timeout(30):
        await watchdog.watch()
    assert killed.is_set() and watchdog.reason == "processes"


def test_memory_of_a_process_is_seen():
    block = b"x" * (8 * MiB)
    assert resident_bytes(os.getpid()) > len(block)
    assert resident_bytes(999_999_999) == 0


def test_one_file_is_never_larger_than_any_place_has_room_for():
    limits = replace(SMALL, file_bytes=512 * MiB)
    assert limits.largest_file == limits.workspace_bytes
    assert dict(list_rlimits(limits, contained=True))[resource.RLIMIT_FSIZE] == limits.workspace_bytes
    assert SMALL.largest_file == SMALL.file_bytes
