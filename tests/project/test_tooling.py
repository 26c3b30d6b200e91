"""The files that tools read agree with setup.cfg and with each other."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def read_requirements() -> list[Requirement]:
    """What setup.cfg asks for to work on Hob: its own packages and those of the dev extra."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lists = config["options"]["install_requires"], config["options.extras_require"]["dev"]
    lines = [line.strip() for text in lists for line in text.splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("requirement", read_requirements(), ids=lambda each: each.name)
def test_the_lock_file_fits_setup_cfg(requirement: Requirement) -> None:
    pinned = [version for name, version in _PIN.findall(LOCK) if name == canonicalize_name(requirement.name)]
    assert pinned, f"{requirement.name} is not in requirements.lock: run `make lock`"
    assert all(requirement.specifier.contains(version) for version in pinned), f"{requirement}: `make lock`"


def test_the_lock_file_names_no_place_and_hashes_everything() -> None:
    assert "://" not in LOCK
    blocks = re.split(r"\n(?=[a-z0-9-]+==)", LOCK)[1:]
    assert len(blocks) > 100
    assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def test_each_lower_bound_becomes_a_pin() -> None:
    script = ROOT / ".ci" / "lowest.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    pins = dict(line.split("==") for line in done.stdout.splitlines())
    for requirement in read_requirements():
        bounds = [each.version for each in requirement.specifier if each.operator == ">="]
        assert [pins[requirement.name]] == bounds if bounds else requirement.name not in pins


def test_make_help_lists_every_target() -> None:
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE)
    described = re.findall(r"^([a-z][a-z-]*):.*?## \S", MAKEFILE, re.MULTILINE)
    assert targets == described
    known = subprocess.run(
        ["make", "-npq", "help"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    (phony,) = re.findall(r"^\.PHONY: (.*)", known, re.MULTILINE)
    assert set(phony.split()) == set(targets)
    assert ".DEFAULT_GOAL := help" in MAKEFILE
