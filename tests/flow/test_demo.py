"""The whole path as a newcomer sees it: real processes, from a mention to a pull request that is right.

Everything is looked at from outside: with git, with HTTP, with the tests of the repository itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.demo.processes import LocalProcesses
from bot.demo.show import StepPrinter, play
from bot.demo.story import git
from sandbox.toolchain import Toolchain
from tests.support import ROOT
from tests.support.sandbox import lend_toolchain
from tests.support.state_folder import make_state_folder

pytestmark = pytest.mark.timeout(400)

LIBRARY = "inflection==0.5.1"
SOUND = "if number % 100 in (11, 12, 13):"
BROKEN = "if number % 10 in (11, 12, 13):"


def suite_passes(folder: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A small library's source distribution as pip brings it, with a bug in it, in a repository."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    pip += ["--no-build-isolation", "--no-binary", ":all:"]
    subprocess.run([*pip, "--dest", str(tmp_path), LIBRARY], check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    unpack = ["tar", "--extract", "--no-same-owner", "--file", str(archive), "--directory", str(tmp_path)]
    subprocess.run(unpack, check=True, capture_output=True)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    module = folder / "inflection" / "__init__.py"
    module = module if module.exists() else folder / "inflection.py"
    text = module.read_text("utf-8")
    assert SOUND in text
    module.write_text(text.replace(SOUND, BROKEN), "utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Import")
    return folder


@pytest.fixture(scope="module")
def house(tooling: Toolchain) -> Iterator[LocalProcesses]:
    """All processes of Hob, started once for the stories of this module.

    Not below ``tmp_path``: every other pytest of the same user closes the parent of that to PostgreSQL.
    """
    with make_state_folder() as folder:
        lend_toolchain(tooling, folder)
        house = LocalProcesses(home=folder, model="offline")
        try:
            house.start()
            yield house
        finally:
            house.stop()


async def play_in(house: LocalProcesses, **story: Any) -> dict[str, Any]:
    return await play(house, StepPrinter(console=Console(stderr=True)), **story)


def cloned(house: LocalProcesses, pr_url: str, into: Path) -> Path:
    """The pull request's head, cloned with plain git from the local GitHub as anybody can."""
    repository, _, number = pr_url.partition("/pull/")
    git(into.parent, "clone", "--quiet", f"{repository}.git", str(into))
    git(into, "fetch", "--quiet", "origin", f"pull/{number}/head")
    git(into, "checkout", "--quiet", "FETCH_HEAD")
    return into


def test_one_command_from_a_mention_to_a_pull_request() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--exit", "--json"],
        capture_output=True,
        text=True,
        timeout=350,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    story = json.loads(done.stdout)
    assert story["state"] == "done"
    assert story["pr_url"]
    assert story["run_url"]
    assert story["seconds"]["eyes"] - story["seconds"]["asked"] < 10  # GitHub's own patience; 0.2 s when idle


async def test_the_pull_request_mends_the_repository(house: LocalProcesses, tmp_path: Path) -> None:
    story = await play_in(house)
    assert story["state"] == "done"
    assert suite_passes(cloned(house, story["pr_url"], tmp_path / "clone"))


async def test_the_same_on_real_code(house: LocalProcesses, library: Path, tmp_path: Path) -> None:
    assert not suite_passes(library)
    story = await play_in(house, repo=library, request="the tests of ordinal fail for 13, please fix it")
    assert story["state"] == "done"
    assert suite_passes(cloned(house, story["pr_url"], tmp_path / "clone"))


@pytest.mark.parametrize(
    ("number", "reached"),
    [
        (signal.SIGTERM, "postgres/postmaster.pid"),
        (signal.SIGHUP, "logs/hub.log"),
    ],
)
def test_a_signal_ends_all_that_the_demo_started_and_removes_its_folder(
    number: signal.Signals, reached: str
) -> None:
    """Early, while PostgreSQL and the servers come up: what lives by then is what could be left over."""
    with tempfile.TemporaryDirectory(prefix="hob-t-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        demo = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--exit"],
            env={"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: list(Path(folder).glob(f"hob-demo-*/{reached}")) != [])
            demo.send_signal(number)
            assert demo.wait(120) == 128 + number
        finally:
            demo.kill()
            demo.wait()
        assert list(Path(folder).glob("hob-demo-*")) == []
        wait_for(lambda: not processes_that_name(folder))


def test_a_signal_while_a_child_is_started_comes_after_it(tmp_path: Path) -> None:
    """Else nobody would know the child. As from a terminal that is closed at that moment."""
    program = (
        "import os, signal, sys\n"
        "from bot.demo.processes import hold_signals\n"
        "begun = []\n"
        "def end(number, frame):\n    print(number, begun)\n    sys.exit()\n"
        "signal.signal(signal.SIGHUP, end)\n"
        "with hold_signals():\n    os.kill(os.getpid(), signal.SIGHUP)\n    begun.append('child')\n"
        "print('not reached')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{int(signal.SIGHUP)} ['child']\n", done.stderr


def wait_for(reached: Callable[[], bool]) -> None:
    """Poll for at most two minutes."""
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def processes_that_name(folder: str) -> list[str]:
    """The command lines of processes that were started below a folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            said = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
            if folder.encode() in said and place.name != str(os.getpid()):
                found.append(said.replace(b"\0", b" ").decode("utf-8", "replace")[:200])
    return found
