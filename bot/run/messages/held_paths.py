"""What Hob writes about paths that were held back: which stay out, and which a maintainer may release."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Release, Result
from bot.text.defuse import code_span, defuse, fence

EARLIER = "held back earlier on this pull request"
MOST_NAMED = 50


def render_held_paths(result: Result) -> str:
    """What was held back, why, and how it can be released; '' when there is nothing."""
    items, release = result.changes.held, result.release
    why = {item.path: item.why for item in items}
    waiting = release.paths if release else ()
    out = [(path, reason) for path, reason in why.items() if path not in waiting]
    parts = []
    if out:
        parts += ["These paths were changed in the sandbox and are not part of this:", _list_paths(out)]
    if release:
        parts += _list_waiting(release, [(path, why.get(path, EARLIER)) for path in waiting])
    return "\n\n".join(("### Held back", *parts)) if parts else ""


def render_waiting(result: Result) -> str:
    """The final text when all of the change waits for a maintainer."""
    head = "✋ **All that I changed is protected, so nothing is published before a maintainer says so.**"
    return "\n\n".join(
        part for part in (head, defuse(result.outcome.summary), render_held_paths(result)) if part
    )


def _list_waiting(release: Release, rows: Sequence[tuple[str, str]]) -> list[str]:
    return [
        "These changes wait for a maintainer (the *Maintain* or *Admin* role):",
        _list_paths(rows),
        fence(release.diff, "diff"),
        "Exactly this is proved and published when one says",
        fence(release.command),
    ]


def _list_paths(rows: Sequence[tuple[str, str]]) -> str:
    lines = [f"- {code_span(path)}: {why}" for path, why in rows[:MOST_NAMED]]
    if len(rows) > MOST_NAMED:
        lines.append(f"- and {len(rows) - MOST_NAMED} more paths")
    return "\n".join(lines)
