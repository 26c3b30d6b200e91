"""What a link with a protected name leads to is protected too."""

from __future__ import annotations

from pathlib import Path

from bot.domain.paths.protected_paths import why_protected
from bot.git.mirror import Mirror
from bot.workspace.protected_links import list_linked_patterns
from tests.support.git import commit


async def test_what_such_a_link_leads_to_is_held_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files: dict[str, str | bytes | None] = {"docs/agents.md": "Rules.", "tools/claude/a.md": "x", "a.py": "x"}
    commit(source, {**files, "docs/plain.md": "x", "deep/[x].md": "x"})
    for link, target in (
        ("AGENTS.md", "docs/agents.md"),
        ("CLAUDE.md", "AGENTS.md"),
        ("web/.claude", None),
        (".cursorrules", "deep/[x].md"),
        ("GEMINI.md", "../outside.md"),
        (".windsurfrules", "/etc/passwd"),
        ("plain", "docs/plain.md"),
    ):
        (source / link).parent.mkdir(exist_ok=True)
        (source / link).symlink_to(target or "../tools/claude")
    commit(source, {"b.py": "x"})
    mirror = Mirror(tmp_path / "mirrors")
    patterns = await list_linked_patterns(mirror, *await mirror.adopt(source))
    held = ("docs/agents.md", "Docs/Agents.md", "tools/claude/a.md", "tools/claude/new.md", "deep/[x].md")
    assert {path: bool(why_protected(path, patterns)) for path in held} == dict.fromkeys(held, True)
    free = ("docs/plain.md", "a.py", "tools/other.md", "deep/x.md", "outside.md", "etc/passwd")
    assert {path: why_protected(path, patterns) for path in free} == dict.fromkeys(free, "")


async def test_links_in_a_circle_end(tmp_path: Path) -> None:
    source = tmp_path / "source"
    commit(source, {"a.py": "x"})
    (source / "AGENTS.md").symlink_to("CLAUDE.md")
    (source / "CLAUDE.md").symlink_to("AGENTS.md")
    commit(source, {"b.py": "x"})
    mirror = Mirror(tmp_path / "mirrors")
    assert "AGENTS.md" in await list_linked_patterns(mirror, *await mirror.adopt(source))
