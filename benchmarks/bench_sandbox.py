"""What the sandbox costs, as ratios within one run: ``make bench-sandbox``.

``command``    a command in an open sandbox against bubblewrap started by hand with the same namespaces, in
               turns, so that whatever else the machine does falls on both.
``workspace``  opening a sandbox over a layer of 13,000 files against one of 200, to its first command's end.
``output``     what the worker's own memory grows by while a command prints 10 GB.
``sharing``    what 20 sandboxes side by side add on disk to the one layer below them, and how long all take.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sandbox import open_sandbox  # noqa: E402
from sandbox.spec import Command, Limits, Policy, Sandbox  # noqa: E402

TRUE = Command(argv=("/usr/bin/true",))
BARE = [
    "bwrap",
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup",
    "--disable-userns",
    "--new-session",
    "--die-with-parent",
    "--clearenv",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--",
    "/usr/bin/true",
]


async def opened(layer: Path, scratch: Path) -> Sandbox:
    """A sandbox over one layer."""
    return await open_sandbox(
        layers=[layer], policy=Policy(limits=Limits(command_seconds=600)), scratch=scratch
    )


async def timed(action: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that it takes."""
    began = time.perf_counter()
    await action()
    return (time.perf_counter() - began) * 1000


def at(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def tree(top: Path, files: int) -> Path:
    """A tree of small files, 50 to a directory."""
    for number in range(files):
        path = top / f"d{number // 50}" / f"f{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * 20)
    return top


def used(top: Path) -> int:
    """Bytes on disk."""
    return int(
        subprocess.run(["du", "-s", "-B1", str(top)], capture_output=True, text=True).stdout.split()[0]
    )


async def command(folder: Path, count: int) -> list[str]:
    """Ratio of the medians, and milliseconds more at p95."""

    async def bare() -> None:
        process = await asyncio.create_subprocess_exec(*BARE, env={})
        assert await process.wait() == 0

    sandbox = await opened(tree(folder / "small", 200), folder / "scratch")
    try:
        ours, theirs = [], []
        for _ in range(count):
            theirs.append(await timed(bare))
            ours.append(await timed(lambda: sandbox.run(TRUE)))
    finally:
        await sandbox.aclose()
    ratio, more = at(ours, 0.5) / at(theirs, 0.5), at(ours, 0.95) - at(theirs, 0.95)
    return [
        f"command     bare p50 {at(theirs, 0.5):6.1f} ms, p95 {at(theirs, 0.95):6.1f} ms",
        f"            ours p50 {at(ours, 0.5):6.1f} ms, p95 {at(ours, 0.95):6.1f} ms",
        f"            ratio {ratio:.2f} (<= 1.5), at p95 {more:+.1f} ms (<= 15)",
    ]


async def workspace(folder: Path, count: int) -> list[str]:
    """Ratio of the medians of warm openings."""
    layers = {200: folder / "small", 13_000: tree(folder / "large", 13_000)}
    spent: dict[int, list[float]] = {files: [] for files in layers}

    async def ready(layer: Path) -> None:
        sandbox = await opened(layer, folder / "scratch")
        try:
            await sandbox.run(TRUE)
        finally:
            closing.append(asyncio.ensure_future(sandbox.aclose()))

    closing: list[asyncio.Future[None]] = []
    for _ in range(count):
        for files, layer in layers.items():
            spent[files].append(await timed(lambda layer=layer: ready(layer)))  # type: ignore[misc]
            await asyncio.gather(*closing)
    small, large = at(spent[200], 0.5), at(spent[13_000], 0.5)
    told = f"200 files {small:.1f} ms, 13,000 files {large:.1f} ms, ratio {large / small:.2f} (<= 1.5)"
    return [f"workspace   {told}"]


async def output(folder: Path, size: int) -> list[str]:
    """What the worker grows by."""
    sandbox = await opened(folder / "small", folder / "scratch")
    try:
        await sandbox.run(Command(argv=("head", "-c", "50000000", "/dev/zero")))
        before, began = resident(), time.perf_counter()
        ran = await sandbox.run(Command(argv=("head", "-c", str(size), "/dev/zero")))
        grown, seconds = resident() - before, time.perf_counter() - began
    finally:
        await sandbox.aclose()
    assert ran.omitted_bytes == size - len(ran.output) + len(
        b"\n[... %d bytes left out ...]\n" % ran.omitted_bytes
    )
    return [
        f"output      {size / 1e9:.0f} GB in {seconds:.0f} s, worker grows by {grown / 1e6:.2f} MB (<= 2)"
    ]


def resident() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def sharing(folder: Path) -> list[str]:
    """Disk that 20 open sandboxes add, each with a small change of its own."""
    before, began = used(folder), time.perf_counter()
    async with AsyncExitStack() as stack:
        many = await asyncio.gather(*(opened(folder / "large", folder / "scratch") for _ in range(20)))
        for sandbox in many:
            stack.push_async_callback(sandbox.aclose)
        await asyncio.gather(*(each.run(Command(argv=("sh", "-c", "echo x >> d0/f0.py"))) for each in many))
        seconds, added = time.perf_counter() - began, used(folder) - before
        changed = [len(each.entries()) for each in many]
    assert changed == [1] * 20
    told = f"20 at once add {added / 1e6:.2f} MB to a layer of {used(folder / 'large') / 1e6:.0f} MB"
    return [f"sharing     {told}, all ready in {seconds:.1f} s"]


async def main() -> None:
    """Everything in turn."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--count", type=int, default=150, help="commands; a fifth as many openings")
    options.add_argument("--gigabytes", type=float, default=10)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for lines in (
            command(folder, asked.count),
            workspace(folder, max(5, asked.count // 5)),
            output(folder, int(asked.gigabytes * 1e9)),
            sharing(folder),
        ):
            print("\n".join(await lines), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
