"""Running parts of the project as an ordinary user, from a test that is root."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.toolchain import _collect_dependencies

TESTS = Path(__file__).parent.parent
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


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


def interpreter(home: Path) -> str:
    """The very Python that runs this, for an ordinary user: where it is, or the copy in the home.

    Another one would not do: what the home holds was made for this version.
    """
    copied = home / "python" / "bin" / _PYTHON
    return str(copied if copied.exists() else Path(sys.base_prefix, "bin", _PYTHON))


def _copy_python(home: Path) -> None:
    """Put a copy of our Python into the home where an ordinary user may not start it, as below /root."""
    program = Path(sys.base_prefix, "bin", _PYTHON)
    start = [*as_nobody(), str(program), "-I", "-c", "import ctypes, encodings, ssl"]
    if subprocess.run(start, capture_output=True).returncode == 0:
        return
    library = Path(sysconfig.get_path("stdlib"))
    unwanted = shutil.ignore_patterns("test", "site-packages", "config-*", "idlelib", "turtledemo", "*.opt-*")
    shutil.copytree(library, home / "python" / "lib" / library.name, symlinks=True, ignore=unwanted)
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy2(shared, home / "python" / "lib", follow_symlinks=False)
    copied = home / "python" / "bin" / _PYTHON
    copied.parent.mkdir()
    # It looks for its shared library beside itself, instead of where it was built.
    there, beside = f"{library.parent}\0".encode(), b"$ORIGIN/../lib"
    copied.write_bytes(program.read_bytes().replace(there, beside.ljust(len(there), b"\0")))
    copied.chmod(0o755)


@contextmanager
def make_home(packages: tuple[str, ...], tests: Iterable[Path]) -> Iterator[Path]:
    """The sandbox, these tests, what they need from PyPI and our Python, where everybody can read them."""
    home = Path(tempfile.mkdtemp(prefix="hob-user-"))
    site = home / "lib" / "python" / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in _collect_dependencies(packages):
        for file in package.files or ():
            target = Path(os.path.normpath(site / file))
            if Path(str(file.locate())).is_file() and target.is_relative_to(home):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), target)
    _copy_python(home)
    shutil.copytree(TESTS.parent / "sandbox", home / "sandbox", ignore=ignored)
    compileall.compile_dir(home / "sandbox", quiet=2)  # as pip does: that user may write nothing there
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
