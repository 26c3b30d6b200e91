"""What there is to read: a walk that follows no link, within limits, counting what it leaves out."""

from __future__ import annotations

import os
from collections import Counter
from typing import NamedTuple

MOST_FILES = 200_000
DEEPEST = 40
_FOLDERS = """
.git .hg .svn node_modules bower_components vendor _vendor vendored third_party thirdparty third-party
.venv venv __pycache__ .tox .mypy_cache .pytest_cache site-packages .yarn Pods .terraform
"""
_VENDORED = frozenset(_FOLDERS.split())


class TreeListing(NamedTuple):
    """Files by path below the top with their sizes, in order; what was left out, by reason."""

    files: list[tuple[str, int]]
    left_out: Counter[str]


def walk(top: str, *, ignore: str = "") -> TreeListing:
    """List regular files below ``top``; links, devices, what is vendored and what is too deep are counted."""
    files: list[tuple[str, int]] = []
    left_out: Counter[str] = Counter()
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = list(os.scandir(os.path.join(top, folder) if folder else top))  # noqa: PTH118
        except OSError:
            left_out["unreadable folder"] += 1
            continue
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if path == ignore:
                continue
            if entry.is_dir(follow_symlinks=False):
                reason = _why_not_entered(entry.name, depth)
                left_out[reason] += bool(reason)
                waiting += [] if reason else [(path, depth + 1)]
            elif not entry.is_file(follow_symlinks=False):
                left_out["link or special file"] += 1
            elif len(files) >= MOST_FILES:
                left_out["more files than are listed"] += 1
            else:
                files.append((path, entry.stat(follow_symlinks=False).st_size))
    left_out.pop("", None)
    return TreeListing(sorted(files), left_out)


def _why_not_entered(name: str, depth: int) -> str:
    if name == ".git":
        return "git's own folder"
    if name in _VENDORED:
        return "vendored folder"
    return "folder too deep" if depth >= DEEPEST else ""
