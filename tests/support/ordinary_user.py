"""Running parts of the project as an ordinary user, from a test that is root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.toolchain import _closure

TESTS = Path(__file__).parent.parent


def as_nobody(groups: Iterable[int] = ()) -> list[str]:
    """The start of a command that runs as nobody, in these groups."""
    listed = ",".join(map(str, groups))
    # env in between: setpriv itself still has root's capabilities when it looks for the program to start.
    return [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        f"--groups={listed}" if listed else "--clear-groups",
        "env",
    ]


def interpreter() -> str | None:
    """A Python of our version or newer that an ordinary user may start."""
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    for candidate in (sys.executable, "/usr/bin/python3"):
        command = [*as_nobody(), candidate, "-I", "-c", probe]
        if Path(candidate).exists() and subprocess.run(command, capture_output=True).returncode == 0:
            return candidate
    return None


@contextmanager
def make_home(packages: tuple[str, ...], tests: Iterable[Path]) -> Iterator[Path]:
    """The sandbox, these tests, and what they need from PyPI, where everybody can read them."""
    home = Path(tempfile.mkdtemp(prefix="hob-user-"))
    site = home / "lib" / "python" / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in _closure(packages):
        for file in package.files or ():
            target = Path(os.path.normpath(site / file))
            if Path(str(file.locate())).is_file() and target.is_relative_to(home):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), target)
    shutil.copytree(TESTS.parent / "sandbox", home / "sandbox", ignore=ignored)
    shutil.copy(TESTS.parent / "setup.cfg", home)
    packages_of_tests = (TESTS / "__init__.py", TESTS / "unit" / "__init__.py")
    for path in (*packages_of_tests, *tests):
        target = home / "tests" / path.relative_to(TESTS)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target, ignore=ignored)
        else:
            shutil.copy(path, target)
    subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    (home / "tmp").mkdir()
    (home / "tmp").chmod(0o777)
    try:
        yield home
    finally:
        shutil.rmtree(home)


def environment(home: Path) -> dict[str, str]:
    """The variables of an ordinary user at home there."""
    return {
        "PYTHONPATH": f"{home}:{home}/lib/python/site-packages",
        "PATH": "/usr/bin:/bin",
        "HOME": str(home / "tmp"),
        "TMPDIR": str(home / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
