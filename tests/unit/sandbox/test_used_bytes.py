"""How much a workspace on disk takes: at any depth, whatever modes say, while it is moved about."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.keeper.keeper import used_bytes

ENOUGH = 100_000_000
NOBODY = 65534


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory that an ordinary user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="hob-t-", dir="/tmp"))
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)  # at any depth


def as_ordinary_user(check: Callable[[], None]) -> None:
    """Run it in a child that is no root."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            check()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def fill(folder: Path, size: int = 1_000_000) -> None:
    (folder / "file").write_bytes(b"x" * size)


def test_what_lies_too_deep_for_any_path_is_counted(top: Path) -> None:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(top)
        for _ in range(3000):
            Path("d").mkdir()
            os.chdir("d")
        fill(Path())
    finally:
        os.fchdir(before)
        os.close(before)
    assert 1_000_000 <= used_bytes(str(top), ENOUGH) < 40_000_000


@pytest.mark.parametrize("mode", [0, 0o100, 0o400, 0o200])
def test_what_modes_forbid_is_counted_and_they_stay(top: Path, mode: int) -> None:
    def check() -> None:
        for path in (top / "a", top / "a" / "b"):
            path.mkdir()
            fill(path)
        (top / "c").mkdir()
        fill(top / "c")
        (top / "a" / "b").chmod(mode)
        (top / "a").chmod(mode)
        assert 3_000_000 <= used_bytes(str(top), ENOUGH) < 4_000_000
        assert (top / "a").stat().st_mode & 0o777 == mode
        (top / "a").chmod(0o700)
        assert (top / "a" / "b").stat().st_mode & 0o777 == mode
        (top / "a" / "b").chmod(0o700)

    as_ordinary_user(check)


def test_it_stops_once_it_is_too_much(top: Path) -> None:
    for number in range(5):
        (top / str(number)).mkdir()
        fill(top / str(number))
    assert used_bytes(str(top), 1_500_000) > 1_500_000


def test_links_lead_nowhere(top: Path) -> None:
    (top / "up").symlink_to("/usr")
    (top / "round").symlink_to(".")
    assert used_bytes(str(top), ENOUGH) < 20_000


def test_a_tree_that_is_moved_about_is_no_error(top: Path) -> None:
    inner = top / "a" / "b" / "c"
    inner.mkdir(parents=True)
    over = threading.Event()

    def move() -> None:
        while not over.is_set():
            (top / "a" / "b").rename(top / "moved")
            (top / "moved").rename(top / "a" / "b")

    mover = threading.Thread(target=move)
    mover.start()
    try:
        assert all(used_bytes(str(top), ENOUGH) < 1_000_000 for _ in range(500))
    finally:
        over.set()
        mover.join()
