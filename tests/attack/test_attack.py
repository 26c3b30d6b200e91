"""Every attack fails and every twin works, by family; ``make attack`` prints tables and starts an engine."""

from __future__ import annotations

from functools import cache

import pytest

from tests.attack.campaign import Half, halves, play_half
from tests.attack.canaries import NAMES
from tests.attack.play import CASES, title
from tests.support import docker_engine

pytestmark = pytest.mark.timeout(600)

FAMILIES = sorted({case.family for case in CASES})
HALVES = [*halves("bwrap"), *halves("docker")]


@cache
def verdicts(half: Half) -> dict[str, list[str]]:
    """Played once for all families."""
    if half.backend == "bwrap":
        return play_half(half)[0]
    return play_half(half, docker_engine.HOSTS_OWN, docker_engine.docker_group())[0]


@cache
def engine_answers() -> bool:
    return docker_engine.is_answering(docker_engine.HOSTS_OWN)


@pytest.mark.parametrize(
    ("half", "family"),
    [pytest.param(half, family, id=f"{half}: {family}") for half in HALVES for family in FAMILIES],
)
def test_nothing_unexpected(half, family):
    if half.backend == "docker" and not engine_answers():
        pytest.skip(f"no Docker engine answers at {docker_engine.HOSTS_OWN}; `make attack` starts one")
    played = verdicts(half)
    mine = [title(case) for case in CASES if case.family == family]
    assert mine and {name: played[name] for name in mine if any(played[name])} == {}


def test_there_is_enough_to_fear():
    titles = [title(case) for case in CASES]
    assert len(titles) == len(set(titles)) >= 120
    assert len(NAMES) >= 20
