"""What links with protected names lead to: whoever changes it changes what stands under the name."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping
from glob import escape

from bot.domain.paths.protected_paths import why_protected
from bot.git.mirror import Mirror

MOST_LINKS = 200  # nearest to the root first
_MOST_STEPS = 8  # from link to link


async def list_linked_patterns(mirror: Mirror, repo_id: int, commit: str) -> tuple[str, ...]:
    """Patterns, as in hob.yml, of what a commit's links with protected names lead to within its tree.

    ``CLAUDE.md`` may be a link to ``docs/agents.md``, ``.claude`` one to ``tools/claude``.
    """
    links = await mirror.list_links(repo_id, commit)
    if not links:
        return ()
    named = await asyncio.to_thread(_choose_protected, links)
    targets = await mirror.read_files(repo_id, commit, sorted({*named, *sorted(links)[: 10 * MOST_LINKS]}))
    found = {target for link in named for target in _follow(link, targets)}
    return tuple(sorted(pattern for each in found for pattern in (escape(each), f"{escape(each)}/*")))


def _choose_protected(links: list[str]) -> list[str]:
    near = sorted(links, key=lambda path: (path.count("/"), path))
    return [path for path in near if why_protected(path, ())][:MOST_LINKS]


def _follow(link: str, targets: Mapping[str, bytes]) -> list[str]:
    """The paths that a link leads to, from step to step, as far as they are in the tree."""
    found: list[str] = []
    while link in targets and len(found) < _MOST_STEPS:
        target = targets[link].decode("utf-8", "surrogateescape")
        link = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
        if target.startswith("/") or link.partition("/")[0] in (".", ".."):
            break
        found.append(link)
    return found
