"""Running parts of the project as an ordinary user, from a test that is root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.toolchain import _closure

HERE = Path(__file__).parent
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


def interpreter(house: Path) -> str:
    """The very Python that runs this, for an ordinary user: where it is, or the copy in the house.

    Another one would not do: what the house holds was made for this version.
    """
    copied = house / "python" / "bin" / _PYTHON
    return str(copied if copied.exists() else Path(sys.base_prefix, "bin", _PYTHON))


def _copy_python(house: Path) -> None:
    """Put a copy of our Python into the house where an ordinary user may not start it, as below /root."""
    program = Path(sys.base_prefix, "bin", _PYTHON)
    start = [*as_nobody(), str(program), "-I", "-c", "import ctypes, encodings, ssl"]
    if subprocess.run(start, capture_output=True).returncode == 0:
        return
    library = Path(sysconfig.get_path("stdlib"))
    unwanted = shutil.ignore_patterns("test", "site-packages", "config-*", "idlelib", "turtledemo", "*.opt-*")
    shutil.copytree(library, house / "python" / "lib" / library.name, symlinks=True, ignore=unwanted)
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy2(shared, house / "python" / "lib", follow_symlinks=False)
    copied = house / "python" / "bin" / _PYTHON
    copied.parent.mkdir()
    # It looks for its shared library beside itself, instead of where it was built.
    there, beside = f"{library.parent}\0".encode(), b"$ORIGIN/../lib"
    copied.write_bytes(program.read_bytes().replace(there, beside.ljust(len(there), b"\0")))
    copied.chmod(0o755)


@contextmanager
def house(packages: tuple[str, ...], tests: Iterable[Path]) -> Iterator[Path]:
    """The sandbox, these tests, what they need from PyPI and our Python, where everybody can read them."""
    house = Path(tempfile.mkdtemp(prefix="hob-user-"))
    site = house / "lib" / "python" / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in _closure(packages):
        for file in package.files or ():
            target = Path(os.path.normpath(site / file))
            if Path(str(file.locate())).is_file() and target.is_relative_to(house):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), target)
    _copy_python(house)
    shutil.copytree(HERE.parent / "sandbox", house / "sandbox", ignore=ignored)
    shutil.copy(HERE.parent / "setup.cfg", house)
    (house / "tests").mkdir()
    for path in tests:
        if path.is_dir():
            shutil.copytree(path, house / "tests" / path.name, ignore=ignored)
        else:
            shutil.copy(path, house / "tests")
    subprocess.run(["chmod", "-R", "a+rX", str(house)], check=True)
    (house / "tmp").mkdir()
    (house / "tmp").chmod(0o777)
    try:
        yield house
    finally:
        shutil.rmtree(house)


def environment(house: Path) -> dict[str, str]:
    """The variables of an ordinary user at home there."""
    return {
        "PYTHONPATH": f"{house}:{house}/tests:{house}/lib/python/site-packages",
        "PATH": "/usr/bin:/bin",
        "HOME": str(house / "tmp"),
        "TMPDIR": str(house / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
