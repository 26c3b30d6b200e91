"""The same tests as an ordinary user: nothing of the sandbox may need root."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from sandbox.toolchain import PARSERS
from tests.support.ordinary_user import TESTS, as_nobody, environment, interpreter, make_home

PACKAGES = ("pytest", "pytest-asyncio", "pytest-timeout", "coverage", "pyseccomp", "ripgrep")
FOR_THE_NETWORK = ("aiohttp", "cryptography", "h11", "idna", "trustme")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="this run is an ordinary user's already"),
    pytest.mark.timeout(600),
]


def test_an_ordinary_user_has_the_same_sandbox():
    wanted = [f"tests/unit/sandbox/test_{name}.py" for name in ("bwrap", "upper", "probe", "egress")]
    support = [TESTS / "support" / f"{name}.py" for name in ("__init__", "sandbox", "egress")]
    tests = (TESTS / "unit" / "sandbox", *support)
    with make_home((*PACKAGES, *PARSERS, *FOR_THE_NETWORK), tests) as home:
        command = [*as_nobody(), interpreter(home), "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=home, env=environment(home))
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    passed = re.search(r"(\d+) passed in", ran.stdout)
    assert passed and int(passed.group(1)) > 50 and "skipped" not in ran.stdout
