"""The files that tools read agree with setup.cfg and with each other."""

from __future__ import annotations

import configparser
import re
import subprocess

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


@pytest.mark.parametrize("requirement", read_requirements(), ids=lambda each: each.name)
def test_a_requirement_names_the_oldest_release_that_is_tested(requirement: Requirement) -> None:
    bounds = {each.operator for each in requirement.specifier}
    stubs = requirement.name.startswith("types-")  # for mypy, which runs with the newest alone
    assert stubs or bounds & {">=", "=="}, f"{requirement} has no lower bound for `make test-lowest`"


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
