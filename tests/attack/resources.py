"""Whatever can be used up has an end, which is told, and after which the sandbox still works."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from sandbox.spec import Ending, MiB
from tests.attack.arena import LIMITS, Arena
from tests.attack.case import Case, each

_HOGS = {
    "objects": "x = []\nwhile True: x.append(b'x' * (1 << 20))",
    "one great step": "x = b'x' * (4 << 30)",
    "anonymous map": "import mmap\nm = mmap.mmap(-1, 4 << 30)\nfor n in range(0, 4 << 30, 4096): m[n] = 1",
    "file in memory": "import os\nf = os.memfd_create('x')\nwhile True: os.write(f, b'x' * (1 << 20))",
    "many processes": "import os, time\nfor n in range(8):\n    if not os.fork():\n"
    "        x = b'x' * (60 << 20); time.sleep(30); os._exit(0)\n"
    "for n in range(8):\n    if os.wait()[1]: os._exit(1)",
}


def _hog(name: str, source: str) -> Case:
    async def attack(arena: Arena) -> None:
        ran = await arena.python(source)
        ended = (
            ran.ending is Ending.OUT_OF_MEMORY or b"MemoryError" in ran.output or b"Errno 12" in ran.output
        )
        ended = ended or b"Errno 27" in ran.output or ran.exit_code == -25  # a file's size comes first
        ended = ended or b"Errno 38" in ran.output  # refused where no control group counts it
        assert ended and not ran.ok, f"{ran.ending} {ran.exit_code} {ran.text[-200:]}"
        assert (await arena.shell("echo fine")).text == "fine\n"

    return Case("resources", f"memory by {name}", attack, _fits)


async def _fits(arena: Arena) -> None:
    ran = await arena.python("x = b'x' * (40 << 20); print(len(x))")
    assert ran.text == f"{40 * MiB}\n"


def _filled(place: str, size: int) -> Case:
    async def attack(arena: Arena) -> None:
        async with arena.fresh(replace(LIMITS, file_bytes=512 * MiB)) as sandbox:
            script = f"cat /dev/zero > {place}/x; stat -c %s {place}/x; rm {place}/x"
            ran = await arena.shell(script, sandbox)
            if ran.ending is not Ending.OUT_OF_SPACE:
                assert int(ran.text.split()[-1]) <= size, ran.text

    async def twin(arena: Arena) -> None:
        ran = await arena.shell(
            f"head -c 1000000 /dev/zero > {place}/y && stat -c %s {place}/y; rm {place}/y"
        )
        assert ran.text == "1000000\n"

    return Case("resources", f"fill {place}", attack, twin)


async def _flooded(arena: Arena) -> None:
    before = _resident()
    ran = await arena.shell("echo first; head -c 60000000 /dev/zero; echo last")
    assert ran.output.startswith(b"first\n") and ran.output.endswith(b"last\n")
    assert len(ran.output) < LIMITS.output_bytes + 100 and _resident() - before < 4 * MiB
    assert ran.output_file and (await arena.shell(f"stat -c %s {ran.output_file}")).text == f"{MiB}\n"


async def _spoken(arena: Arena) -> None:
    """A long output is whole in a file inside."""
    ran = await arena.shell("seq 30000")
    whole = await arena.shell(f"wc -l < {ran.output_file}; tail -n 1 {ran.output_file}")
    assert ran.omitted_bytes and whole.text.split() == ["30000", "30000"], whole.text


async def _spinning(arena: Arena) -> None:
    async with arena.fresh(replace(LIMITS, cpu_seconds=1)) as sandbox:
        ran = await arena.shell("while :; do :; done", sandbox)
        assert ran.ending is Ending.EXITED and not ran.ok, f"{ran.ending} after {ran.seconds:.1f} s"


async def _late(arena: Arena) -> None:
    async with arena.fresh(replace(LIMITS, run_seconds=1.5)) as sandbox:
        ran = await arena.shell("sleep 60", sandbox)
        assert ran.ending is Ending.TIMED_OUT and ran.seconds < 30
        assert (await arena.shell("sleep 60", sandbox)).ending is Ending.TIMED_OUT


async def _in_time(arena: Arena) -> None:
    assert (await arena.shell("sleep 0.1; echo done")).text == "done\n"


async def _many_files(arena: Arena) -> None:
    source = (
        "import os\nos.mkdir('many'); n = 0\ntry:\n    while n < 40000: open(f'many/f{n}', 'w').close(); n += 1\n"
        "except OSError as error: print(error.errno, n)"
    )
    async with arena.fresh() as sandbox:
        ran = await arena.python(source, sandbox)
        full = ran.ending is Ending.OUT_OF_SPACE or ran.text.startswith("28 ")
        assert full, f"{ran.ending} after {ran.seconds:.1f} s: {ran.text}"


async def _many_temporary_files(arena: Arena) -> None:
    source = (
        "import os\nn = 0\ntry:\n    while n < 40000: os.mkdir(f'/tmp/d{n}'); n += 1\n"
        "except OSError as error: print(error.errno, n)\n"
        "for m in range(n): os.rmdir(f'/tmp/d{m}')"
    )
    ran = await arena.python(source)
    assert ran.text.startswith("28 "), f"{ran.ending} after {ran.seconds:.1f} s: {ran.text}"


async def _descriptors_of_many(arena: Arena) -> None:
    """Every process with as many descriptors as it may have, and the host has some left."""
    source = (
        "import os, time\nfor n in range(40):\n    if not os.fork():\n        held = []\n"
        "        try:\n            while True: held += os.pipe()\n"
        "        except OSError: time.sleep(2); os._exit(0)\nfor n in range(40): os.wait()"
    )
    async with arena.fresh() as sandbox:
        await arena.python(source, sandbox)
        used, _, most = map(int, Path("/proc/sys/fs/file-nr").read_text().split())
        assert used < most / 2, f"{used} of {most}"
        assert (await arena.shell("echo fine", sandbox)).text == "fine\n"


async def _some_files(arena: Arena) -> None:
    ran = await arena.shell(
        "mkdir some; for n in $(seq 100); do : > some/$n; done; ls some | wc -l; rm -r some"
    )
    assert ran.text == "100\n"


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


CASES = [
    *(_hog(name, source) for name, source in _HOGS.items()),
    _filled("/workspace", LIMITS.workspace_bytes),
    _filled("/tmp", LIMITS.tmp_bytes),
    _filled("/dev/shm", LIMITS.shm_bytes),
    Case("resources", "many small files", _many_files, _some_files),
    Case("resources", "many folders in /tmp", _many_temporary_files, _some_files),
    Case("resources", "descriptors of many processes", _descriptors_of_many, _some_files),
    Case("resources", "a flood of output", _flooded, _spoken),
    Case("resources", "processor time", _spinning, _in_time),
    Case("resources", "a run's time", _late, _in_time),
    *each(
        "resources", "fds = [os.open('/dev/null', 0) for _ in range(100)]; assert len(fds) == 100",
        [
            ("descriptors", "fds = []\ntry:\n    while len(fds) < 2000: fds.append(os.open('/dev/null', 0))\n"
             "except OSError as error: assert error.errno == errno.EMFILE\nassert len(fds) <= 1024"),
            ("a file's size", "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
             "refused(lambda: os.truncate(os.open('big', os.O_RDWR | os.O_CREAT), 17 << 20), errno.EFBIG)"),
            ("locked memory", "m = mmap.mmap(-1, 16 << 20); failed(libc.mlock(ctypes.c_void_p("
             "ctypes.addressof(ctypes.c_char.from_buffer(m))), ctypes.c_size_t(16 << 20)) and ctypes.get_errno(), "
             "errno.ENOMEM, errno.EPERM, errno.EAGAIN)"),
            ("core dumps", "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)"),
            ("message queues", "assert resource.getrlimit(resource.RLIMIT_MSGQUEUE if hasattr(resource, "
             "'RLIMIT_MSGQUEUE') else 12)[1] <= 819200"),
            ("room of every writable place", "for line in open('/proc/self/mounts'):\n"
             "    source, place, kind, options = line.split()[:4]\n"
             "    if kind == 'tmpfs' and options[:2] == 'rw' and os.path.isdir(place) and os.access(place, 2):\n"
             "        room = os.statvfs(place); assert room.f_blocks * room.f_frsize <= 32 << 20, line"),
        ],
    ),
]  # fmt: skip
