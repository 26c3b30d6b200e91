"""A collection of what makes programs slow, over the whole path: the worker's event loop goes on meanwhile.

All of it is within the limits, a megabyte each at most. The worker is a process of its own, so that nothing
else is measured; what counts as standing still is said in ``tests.support.worker``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, AtWork, at_work, call, eventually
from tests.support.worker import MEASURED_SECONDS, Workers

pytestmark = pytest.mark.timeout(2400)

MB = 1_000_000
STOP_SECONDS = 5.0
RUN_SECONDS = 1800.0  # for the whole run: it is only to end, however busy the machine
FILES = 50_000


def repeat(text: str, size: int = MB) -> str:
    """The text again and again, as much as fits."""
    return text * (size // len(text))


SLOW = {
    ".gitignore": repeat("*a*b*c\n", 20_000),  # worse ones end at their deadline: tests/unit/git/test_changes
    ".gitattributes": repeat("*a*b*c filter=x\n", 20_000),
    "AGENTS.md": repeat("sk-[![`@hob`](<"),
    "CONTRIBUTING.md": repeat("> ") + repeat("* a\n", 100_000),
    "README.md": repeat("[^1]: <!-- ", 500_000) + repeat("|", 400_000),
    "package.json": '{"scripts": {"test": "x"}, "a": ' + "[" * 400_000 + "]" * 400_000 + "}",
    "package-lock.json": "{" + ", ".join(f'"k{n}": {{"v": [{n}, "{n}"]}}' for n in range(25_000)) + "}",
    "pyproject.toml": "[project]\nname = 'x'\n" + "".join(f"[a.b{n}]\nc = {n}\n" for n in range(40_000)),
    "setup.cfg": "[metadata]\nname = x\n[a]\n" + "".join(f"k{n} =\n  v\n" for n in range(60_000)),
    "tox.ini": "[tox]\nenvlist = " + repeat("py{3,4}-{a,b},", 500_000) + "\n",
    "requirements.txt": repeat("a==1 ; python_version < '3'\n"),
    "Makefile": repeat("test: a b c\n\t@echo x\n"),
    "Cargo.toml": "[package]\nname = 'x'\n" + repeat("# [[[\n"),
    ".pre-commit-config.yaml": "repos:\n" + repeat("- repo: x\n  hooks: [{id: a}, {id: b}]\n"),
    ".github/workflows/ci.yml": "a: &a [x]\n" + "".join(f"k{n}: [*a, {{b: {n}}}]\n" for n in range(40_000)),
    ".github/workflows/deep.yml": "[" * 300_000,
    ".devcontainer.json": repeat("/*,]", 60_000),
    "one-line.txt": "a" * MB,
    "lines.txt": repeat("a line of its own\n"),
    "setup.py": repeat("from setuptools import setup\nx = [1, 2, 3]\nsetup(name='x')\n", 290_000),
    "noxfile.py": repeat("def tests(session):\n    session.run('pytest', a, b)\n", 290_000),
    "SECURITY.md": repeat("```py a\n| a | b |\n|-|-|\n| c | d | e |\n", 300_000)
    + repeat("$\\color{a}{b}$ ", 300_000),
    "slow.py": repeat("((((" + "a.b[c](d) + ", 300_000),
}
CONFIG = "test: python -m pytest -q\nprotected_paths: ['" + "*a" * 40 + "b']\n"
TALK = [
    repeat("[^1] ![](<`@hob $", 60_000),
    repeat("&#64;\u200b\U000e0041|", 60_000),
    "@hob please also: " + repeat("fixes #", 60_000),
]
TESTS = (
    FAULTY["test_calc.py"]
    + (
        "\n\ndef test_talks():\n    print('FAILED a.py::b - x ' * 50_000)\n"
        "    print('sk-' * 100_000)\n    assert False\n"
    )
    + repeat("\n\ndef helper(a, b=[1, 2, 3]):\n    return a.b(c, d=b)[0]\n", 250_000)
)
SLOW |= {"test_calc.py": TESTS, ".github/hob.yml": CONFIG}
TRY = [
    [call("read", path="lines.txt"), call("search", pattern="a", path=".")],
    [call("shell", command="head -c 1000000 /dev/zero | tr '\\0' a; seq 150000; yes sk- | head -c 1000000")],
    [
        call("shell", command=f"touch {'a' * 200}.txt; sed -i 's/a line/another line/' lines.txt"),
        call("shell", command="tr a b < one-line.txt > two.txt"),
        call("shell", command="mkdir moved; for n in $(seq 120); do mv many/0/$n.txt moved/$n.md; done"),
        call("shell", command="sed -i 's/return a.b/return b.a/' test_calc.py; cp test_calc.py more.py"),
        call("edit", path="calc.py", old="x + 2", new="x * 2"),
        call("note", path="lines.txt", line=9, text=repeat("[`@a` <", 3900)),
        call("plan", steps=[{"text": repeat("`@a <", 199)} for _ in range(20)]),
    ],
    [
        call("finish", kind="changed", title=repeat("fixes #1 ", 99), summary=repeat("[![`a`](<&#64;", 9000))
    ],
]  # fmt: skip


async def test_no_input_of_a_megabyte_stops_the_workers_event_loop(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database, worker=False) as hob:
        await hob.hub.seed_repo("idle", FAULTY)
        many = {f"many/{n // 1000}/{n % 1000}.txt": "x\n" for n in range(FILES)}
        await hob.hub.seed_repo("calc", FAULTY | many | SLOW)
        stalls, workers = tmp_path / "stalls", Workers(hob, home, database, tmp_path)
        try:
            await workers.start(stalls)
            sleeper = await begin_to_sleep(hob)
            stalls.write_text("")
            hob.says(*TRY)
            issue = await hob.issue("calc", "Doubling is wrong", "@hob fix " + repeat("[^1]: `<!--", 60_000))
            at = f"/repos/maintainer/calc/issues/{issue['number']}/comments"
            for text in TALK:
                await hob.hub.as_maintainer.post(at, {"body": text})
            await hob.comment("calc", issue["number"], "I am on it")
            stopped = await stop(hob, sleeper)

            async def ended() -> str:
                said = await hob.comments("calc", issue["number"])
                return next((text for text in said if "· asked by" in text), "")

            async def logged() -> str:
                return workers.log(0)[-8000:]

            told = await eventually(ended, "the run does not end", logged, patience=RUN_SECONDS)
        finally:
            workers.stop()
            print(f"load {os.getloadavg()}\n{stalls.read_text() if stalls.exists() else ''}")
    still = stalls.read_text()
    longest = max((float(line.split()[0]) for line in still.splitlines()), default=0)
    print(f"longest {longest:.3f} s, stopped in {stopped:.1f} s")
    assert longest < MEASURED_SECONDS, f"{still}\n{find_stacks(workers.log(0))}"
    assert "asked by" in told, told[:2000]
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert stopped < STOP_SECONDS * busy, f"{stopped:.1f} s"


def find_stacks(log: str) -> str:
    """When the loop stood still, and the ends of the stacks that the watchdog saw."""
    told = [json.loads(line) for line in log.splitlines() if '"loop.stood_still"' in line]
    return "\n".join(
        "\n".join(
            [f"{each['timestamp']} {each['seconds']} {each['frames'][-900:]}"]
            + [f"beside it {name}: {stack[-900:]}" for name, stack in each["beside"].items()]
        )
        for each in told
    )


async def begin_to_sleep(hob: AtWork) -> int:
    """The issue of a run that sleeps."""
    hob.says_held([call("shell", command="sleep 300", seconds=300)], [DONE])
    issue = (await hob.issue("idle", "Doubling is wrong", "@hob fix"))["number"]
    await hob.until_asked()
    hob.go_on()
    return int(issue)


async def stop(hob: AtWork, issue: int) -> float:
    """Seconds from the word to the end of the run that sleeps."""
    began = time.monotonic()
    await hob.hub.as_maintainer.post(f"/repos/maintainer/idle/issues/{issue}/comments", {"body": "@hob stop"})
    await hob.comment("idle", issue, "**Stopped**")
    return time.monotonic() - began
