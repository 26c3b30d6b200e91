"""The same tests as an ordinary user: nothing of the sandbox may need root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.toolchain import _closure

HERE = Path(__file__).parent
# env in between: setpriv itself still has root's capabilities when it looks for the program to start.
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="this run is an ordinary user's already")


def interpreter() -> str:
    """A Python of our version or newer that an ordinary user may start."""
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    for candidate in (sys.executable, "/usr/bin/python3"):
        command = [*AS_NOBODY, candidate, "-I", "-c", probe]
        if Path(candidate).exists() and subprocess.run(command, capture_output=True).returncode == 0:
            return candidate
    pytest.skip("no Python 3.11 here that an ordinary user may start")


@pytest.fixture
def house() -> Iterator[Path]:
    """The package, its tests and what they need where everybody can read them."""
    house = Path(tempfile.mkdtemp(prefix="hob-user-"))
    site = house / "lib" / "python" / "site-packages"
    wanted = ("pytest", "pytest-asyncio", "coverage", "pyseccomp", "ripgrep")
    for package in _closure((*wanted, "aiohttp", "cryptography", "h11", "idna", "trustme")):
        for file in package.files or ():
            target = Path(os.path.normpath(site / file))
            if Path(str(file.locate())).is_file() and target.is_relative_to(house):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), target)
    shutil.copytree(HERE.parent / "sandbox", house / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE.parent / "setup.cfg", house)
    (house / "tests").mkdir()
    for path in (*HERE.glob("test_sandbox_*.py"), HERE / "sandbox_fixtures.py", HERE / "egress_fixtures.py"):
        shutil.copy(path, house / "tests")
    subprocess.run(["chmod", "-R", "a+rX", str(house)], check=True)
    (house / "tmp").mkdir()
    (house / "tmp").chmod(0o777)
    yield house
    shutil.rmtree(house)


def test_an_ordinary_user_has_the_same_sandbox(house):
    wanted = ("bwrap", "upper", "probe", "egress")
    tests = [f"tests/test_sandbox_{name}.py" for name in wanted]
    env = {
        "PYTHONPATH": str(house / "lib" / "python" / "site-packages"),
        "PATH": "/usr/bin:/bin",
        "HOME": str(house / "tmp"),
        "TMPDIR": str(house / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [*AS_NOBODY, interpreter(), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=house, env=env)
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    passed = re.search(r"(\d+) passed in", ran.stdout)
    assert passed and int(passed.group(1)) > 50 and "skipped" not in ran.stdout
