"""``python -I .../mend_js --test CMD --seconds N --hint TEXT``: sparse progress, then one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from .asked import JsRequest
from .session import mend

MARK = "HOB-MEND-RESULT "


def main(argv: list[str]) -> int:
    """Run in the repository's root. Exit code 0: a change was found; 1: none; 2: tests cannot run."""
    parser = argparse.ArgumentParser(prog="mend_js", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository")
    parser.add_argument("--test", required=True, help="the repository's own test command")
    parser.add_argument("--seconds", type=float, default=60.0, help="for everything together")
    parser.add_argument("--hint", default="", help="the request's words")
    parser.add_argument("--scope", default="all", choices=("all", "report", "symbols", "named"),
                        help="which failing tests the hint can be about")  # fmt: skip
    options = parser.parse_args(argv)
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:5.1f} s] {text}\n")
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, _end)
    root = options.root.resolve()
    os.chdir(root)
    with tempfile.TemporaryDirectory(prefix="hob-mend-") as scratch:
        request = JsRequest(text=options.hint, scope=options.scope)
        result = mend(root, options.test, request, options.seconds, Path(scratch), say)
    sys.stdout.write(f"{MARK}{json.dumps(result)}\n")
    return {"mended": 0, "partial": 0, "cannot_run": 2, "no_tests": 2}.get(result["outcome"], 1)


def _end(_: int, __: FrameType | None) -> None:
    """Leave by way of what puts the files back."""
    raise SystemExit(143)
