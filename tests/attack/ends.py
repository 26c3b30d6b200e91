"""How commands end, judged from outside: survivors, bombs, signals, time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from sandbox.spec import BackgroundUnavailable, Command, Ending
from tests.attack.arena import Arena
from tests.attack.case import Case

_SOON = 30.0  # seconds; what shall be ended would live for 99, and a busy machine takes its time


def _survivor(script: str) -> Case:
    async def attack(arena: Arena) -> None:
        ran = await arena.shell(script, seconds=0.3)
        assert not arena.sandbox.list_strays(), "IT LIVES"
        assert ran.seconds < _SOON, f"it took {ran.seconds:.1f} s"

    return Case("endings", script[:60], attack, _ends_well)


async def _ends_well(arena: Arena) -> None:
    ran = await arena.shell("sleep 0.05 & wait; echo done")
    assert ran.ok and ran.output == b"done\n"


async def _host_lives(arena: Arena) -> None:
    """Signals meant for the host end nobody but the attacker."""
    ran = await arena.shell(f"kill -9 {os.getpid()} {os.getppid()}; kill -9 -1; exit 0", seconds=2)
    assert ran.ending in (Ending.EXITED, Ending.TIMED_OUT)
    assert Path(f"/proc/{os.getpid()}").exists()


async def _bombed(arena: Arena) -> None:
    async with arena.fresh() as sandbox:
        ran = await arena.shell("b() { b | b & }; b; sleep 99", sandbox, seconds=0.8)
        assert not sandbox.list_strays() and ran.seconds < _SOON, f"{ran.seconds:.1f} s"
        assert (await arena.shell("echo fine", sandbox)).text == "fine\n"


async def _counted(arena: Arena) -> None:
    """Threads and processes run out near the limit."""
    source = (
        "import threading, time\nn = 0\ntry:\n    while n < 2000:\n"
        "        threading.Thread(target=time.sleep, args=(99,), daemon=True).start(); n += 1\n"
        "except RuntimeError: pass\nprint(n, flush=True)\nimport os; os._exit(0)"
    )
    ran = await arena.python(source)
    assert 8 < int(ran.text) < arena.policy.limits.processes + 16, ran.text


async def _several(arena: Arena) -> None:
    ran = await arena.shell("for n in 1 2 3 4 5 6 7 8; do sleep 0.05 & done; wait; echo done")
    assert ran.text == "done\n"


async def _no_input(arena: Arena) -> None:
    """Whoever waits for an answer from a person gets none, at once."""
    ran = await arena.shell("read answer; cat; python3 -c 'input()'; echo over")
    assert ran.ending is Ending.EXITED and ran.text.endswith("over\n")


async def _input(arena: Arena) -> None:
    assert (await arena.shell("read answer; echo $answer", stdin=b"yes\n")).text == "yes\n"


async def _late_writer(arena: Arena) -> None:
    """A survivor cannot write into the workspace after the command's end was told."""
    async with arena.fresh() as sandbox:
        await arena.shell("(setsid sh -c 'sleep 0.3; echo late > late' >/dev/null 2>&1 &)", sandbox)
        ran = await arena.shell("sleep 0.5; ls", sandbox)
        assert ran.ok and "late" not in ran.text


async def _background_survivor(arena: Arena) -> None:
    """What runs in the background ends when it is stopped, however it hides; or it is never started."""
    async with arena.fresh() as sandbox:
        for script in _SURVIVORS:
            try:
                started = await sandbox.start(Command(argv=("sh", "-c", script)))
            except BackgroundUnavailable:
                return
            await started.stop()
            await arena.shell("true", sandbox)
            assert not sandbox.list_strays(), f"IT LIVES: {script}"


async def _background_works(arena: Arena) -> None:
    async with arena.fresh() as sandbox:
        try:
            started = await sandbox.start(Command(argv=("sh", "-c", "echo here")))
        except BackgroundUnavailable:
            return
        await started.wait(_SOON)
        assert started.take_output() == (b"here\n", 0)


async def _moving_while_read(arena: Arena) -> None:
    """Files that turn into links and pipes while the host reads them lead nowhere and hold nobody up."""
    swap = "while :; do echo x > f; rm f; ln -s /etc/passwd f; rm f; mkfifo -m 0 f; rm f; done"
    async with arena.fresh() as sandbox:
        try:
            await sandbox.start(Command(argv=("sh", "-c", swap)))
        except BackgroundUnavailable:
            return
        for _ in range(5):
            entries = await asyncio.wait_for(asyncio.to_thread(sandbox.entries), _SOON)
            assert not any(b"root:" in each.data for each in entries), "IT LEADS OUT"


async def _variables(arena: Arena) -> None:
    ran = await arena.shell("env")
    names = {line.partition("=")[0] for line in ran.text.splitlines()}
    known = {
        "HOME",
        "USER",
        "LANG",
        "TERM",
        "TMPDIR",
        "PATH",
        "PWD",
        "GREETING",
        "HOSTNAME",
        "OLDPWD",
        "SHLVL",
        "_",
    }
    assert names <= known, names - known


async def _own_variables(arena: Arena) -> None:
    ran = await arena.shell("echo $GREETING $MINE", env=(("MINE", "you"),))
    assert ran.text == "hello you\n"


_SURVIVORS = (
    "trap '' TERM INT HUP QUIT; sleep 99",
    "(setsid nohup sleep 99 >/dev/null 2>&1 &); sleep 99",
    "(sleep 99 &); (setsid sleep 99 &); echo done",
    "(setsid sh -c '(setsid sleep 99 &)' &) >/dev/null 2>&1",
    "while :; do :; done",
    "kill -STOP $$",
    "sh -c 'kill -STOP $$' & sleep 99",
    "for n in 1 2 3 4 5 6 7 8; do (setsid sh -c 'sleep 99 & sleep 99' &); done; sleep 99",
    "exec sleep 99 2>&1 >/dev/null </dev/null",
    "mkfifo p 2>/dev/null; cat p",
    "while :; do (setsid true &); done",
    "exec python3 -c 'import ctypes, os, time; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
    "if os.fork() == 0: time.sleep(99)\nos._exit(0)'",
)
CASES = [
    *map(_survivor, _SURVIVORS),
    Case("endings", "signals to the host", _host_lives, _ends_well),
    Case("endings", "fork bomb", _bombed, _several),
    Case("endings", "thread bomb", _counted, _several),
    Case("endings", "waiting for a person", _no_input, _input),
    Case("endings", "writing after the end", _late_writer, _ends_well),
    Case("endings", "in the background", _background_survivor, _background_works),
    Case("endings", "in the background, while the host reads", _moving_while_read, _background_works),
    Case("endings", "variables of the worker", _variables, _own_variables),
]
