"""``python -I .../apply_suggestion.py JSON``: puts a reviewer's suggestion in the place of its lines.

JSON: ``path``, ``start``, ``end`` (lines from 1, both included), ``expected`` (those lines as the reviewer
saw them, fewer or none when unknown), ``lines`` (what they become). Prints one line of JSON; exit code 1:
refused.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MARK = "HOB-SUGGEST-RESULT "


def suggest(root: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Write the file; returns what was there before, or ``refused`` with nothing written."""
    target = (root / asked["path"]).resolve()
    if not target.is_relative_to(root.resolve()) or not target.is_file():
        return {"refused": f"there is no file `{asked['path']}`"}
    data = target.read_bytes()
    lines = data.decode("utf-8", "surrogateescape").splitlines(keepends=True)
    lines = _join_lines(lines)
    start, end = asked["start"], asked["end"]
    if not 1 <= start <= end <= len(lines):
        return {
            "refused": f"`{asked['path']}` has {len(lines)} lines, and the suggestion is for {start} to {end}"
        }
    there = [each.rstrip("\r\n") for each in lines[start - 1 : end]]
    seen = asked["expected"]
    if seen and there[-len(seen) :] != [each.rstrip("\r") for each in seen]:
        return {"refused": "the lines it was made for have changed since", "there": there}
    ending = "\r\n" if lines[start - 1].endswith("\r\n") else "\n"
    new = [f"{each}{ending}" for each in asked["lines"]]
    if new and end == len(lines) and not lines[-1].endswith("\n"):
        new[-1] = new[-1].removesuffix(ending)
    text = "".join([*lines[: start - 1], *new, *lines[end:]]).encode("utf-8", "surrogateescape")
    if text == data:
        return {"refused": "the lines are already as suggested"}
    spare = target.with_name(f".{target.name}.hob")
    spare.write_bytes(text)
    spare.chmod(target.stat().st_mode)
    spare.replace(target)
    return {"path": asked["path"], "start": start, "before": there, "after": asked["lines"]}


def _join_lines(pieces: list[str]) -> list[str]:
    """Lines as git counts them: ``splitlines`` also breaks at form feeds and the like."""
    lines: list[str] = []
    for piece in pieces:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += piece
        else:
            lines.append(piece)
    return lines


if __name__ == "__main__":
    told = suggest(Path.cwd(), json.loads(sys.argv[1]))
    sys.stdout.write(f"{MARK}{json.dumps(told, ensure_ascii=True)}\n")
    sys.exit(1 if "refused" in told else 0)
