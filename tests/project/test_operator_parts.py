"""What operators have: each part has a story, a page with a picture, a place on the dashboard, a row."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.support import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPart:
    """One of them. ``row`` is what its README row links, ``shown`` the template and the words on it."""

    row: str
    story: str
    plays: str
    shown: tuple[str, str]
    section: str = ""  # of the page, in which the picture is; '' for anywhere on it


PARTS = (
    OperatorPart(
        row="docs/launch.md#flags", story="launch", plays="hob_flags(", shown=("operators", "<h2>Flags</h2>")
    ),
    OperatorPart(
        row="docs/launch.md#the-kill-switch", story="launch", plays='"kill"', shown=("operators", ">Kill<")
    ),
    OperatorPart(
        row="docs/launch.md#gradual-releases",
        story="launch",
        plays="step_releases",
        shown=("operators", "<h2>Releases</h2>"),
    ),
    OperatorPart(
        row="docs/launch.md#experiments",
        story="tune",
        plays='run_hob("experiment"',
        shown=("experiments", "counted.value.lines"),
        section="Experiments",
    ),
    OperatorPart(
        row="docs/launch.md#estimates",
        story="estimates",
        plays="/experiments",
        shown=("experiments", "counted.value.errors"),
    ),
    OperatorPart(
        row="docs/capacity.md",
        story="forecast",
        plays="bench_model",
        shown=("forecast", "found.forecasts"),
    ),
    OperatorPart(
        row="docs/safety.md#who-may-ask-and-how-much",
        story="people",
        plays="@hob admit",
        shown=("safety", "<h2>Blocked</h2>"),
    ),
    OperatorPart(
        row="docs/safety.md#what-is-not-worked-on-and-not-published",
        story="moderation",
        plays="refused",
        shown=("safety", "<h2>Refused in"),
    ),
    OperatorPart(
        row="docs/safety.md#orders-in-what-is-read-as-data",
        story="suspicion",
        plays="network",
        shown=("safety", "<h2>Read as data, like orders</h2>"),
        section="Orders in what is read as data",
    ),
    OperatorPart(
        row="docs/learning.md",
        story="learning",
        plays="learning: true",
        shown=("learning", "<h1>Learning</h1>"),
    ),
    OperatorPart(row="docs/training.md", story="export", plays='"export"', shown=("learning", "exports")),
    OperatorPart(row="docs/tuning.md", story="tune", plays='"tune"', shown=("experiments", "tuned")),
    OperatorPart(
        row="docs/local-models.md", story="small_window", plays="window", shown=("forecast", "found.models")
    ),
    OperatorPart(
        row="docs/safety.md#red-team-as-a-habit",
        story="redteam",
        plays="redteam",
        shown=("safety", "<h2>Red team</h2>"),
        section="Red team as a habit",
    ),
)


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.row)
def test_a_part_is_told_drawn_shown_and_named(part: OperatorPart) -> None:
    assert part.plays in read(f"tests/flow/test_{part.story}.py")
    page, _, anchor = part.row.partition("#")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in read(page).splitlines()
        if line.startswith("#")
    }
    assert not anchor or anchor in headings
    _, _, told = read(page).partition(f"## {part.section}\n") if part.section else ("", "", read(page))
    assert "```mermaid" in told.split("\n## ")[0] if part.section else "```mermaid" in told
    template, words = part.shown
    assert words in read(f"bot/dashboard/templates/{template}.html")


def test_the_readmes_table_is_the_parts() -> None:
    (table,) = re.findall(r"## What operators have\n\n(.*?)\n\n", read("README.md"), re.DOTALL)
    assert re.findall(r"^\| \[[^\]]+\]\(([^)]+)\)", table, re.MULTILINE) == [part.row for part in PARTS]
