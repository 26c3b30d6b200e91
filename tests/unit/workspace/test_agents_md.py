"""AGENTS.md: read from a commit, shared out between the opening and later, and nothing cut silently."""

from __future__ import annotations

from pathlib import Path

from bot.domain import Trust
from bot.git.mirror import Mirror
from bot.workspace.agents_md import MOST, read_guides, split_guides
from tests.support.git import commit


async def test_those_of_a_commit_are_read_from_the_root_down(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files: dict[str, str | bytes | None] = {
        "deep/er/AGENTS.md": "Deep.",
        "AGENTS.md": "Root.",
        "b/AGENTS.md": "B.",
        "a/AGENTS.md": " \n",
        "CLAUDE.md": "Not read.",
        "b/NOTAGENTS.md": "Not read.",
    }
    commit(source, files)
    (source / "AGENTS.md").write_text("What the workspace says.")
    mirror = Mirror(tmp_path / "mirrors")
    number, sha = await mirror.adopt(source)
    guides = await read_guides(mirror, number, sha)
    assert guides == (("AGENTS.md", "Root."), ("b/AGENTS.md", "B."), ("deep/er/AGENTS.md", "Deep."))


async def test_of_very_many_the_last_are_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    commit(source, {f"d{number:03}/AGENTS.md": "Words." for number in range(MOST + 2)})
    mirror = Mirror(tmp_path / "mirrors")
    guides = await read_guides(mirror, *await mirror.adopt(source))
    assert len(guides) == MOST + 2
    assert guides[MOST - 1][1] == "Words."
    assert "Read this one before you go on" in guides[-1][1]


def test_what_does_not_fit_the_opening_is_shown_later() -> None:
    guides = (
        ("AGENTS.md", "r" * 23_000),
        ("a/AGENTS.md", "a" * 2_000),
        ("b/AGENTS.md", "b" * 9_000),
        ("c/AGENTS.md", "c"),
    )
    opening, nearby = split_guides(guides)
    assert [each.where for each in opening] == ["AGENTS.md", "a/AGENTS.md"]
    assert [each.where for each in nearby] == ["b/AGENTS.md", "c/AGENTS.md"]
    assert opening[0].text.endswith("\n[3000 of 23000 characters are left out here]")
    assert {each.trust for each in (*opening, *nearby)} == {Trust.INSTRUCTION}
    assert {each.permission for each in nearby} == {"base branch"}
    many = tuple((f"d{number}/AGENTS.md", "x") for number in range(12))
    assert [len(each) for each in split_guides(many)] == [10, 2]
