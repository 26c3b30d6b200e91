"""The list of changed files in a description: first, and all of them, those that run by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.paths.self_running_paths import explain_self_running
from bot.text.defuse import code_span, table_cell

MOST_NAMED = 50  # of the others
GONE = ("deleted", "removed")  # our word, and GitHub's
FIRST = "These run by themselves where people or tools check this out, build or test it; read them first:"


def render_changed_files(files: Sequence[tuple[str, str]]) -> str:
    """``files`` are (path, what happened to it)."""
    first, rest = [], []
    for path, status in files:
        row = f"- {code_span(path)} {table_cell(status)}"
        what = "" if status in GONE else explain_self_running(path)
        if what:
            first.append(f"{row}: {what}")
        else:
            rest.append(row)
    if len(rest) > MOST_NAMED:
        rest[MOST_NAMED:] = [f"- and {len(rest) - MOST_NAMED} more files"]
    if not first:
        return "\n".join(rest)
    parts = [f"⚠️ {FIRST}", "\n".join(first), *(["The others:", "\n".join(rest)] if rest else [])]
    return "\n\n".join(parts)
