"""``python -I .../mend --test CMD --seconds N --hint TEXT``: sparse progress, then one line of JSON."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from .report import MARK
from .request.asked import Request
from .session import mend


def main(argv: list[str]) -> int:
    """Run in the repository's root. Exit code 0: a change was found; 1: none; 2: tests cannot run."""
    parser = argparse.ArgumentParser(prog="mend", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the repository")
    parser.add_argument("--test", default="pytest -q", help="the repository's own test command")
    parser.add_argument("--seconds", type=float, default=60.0, help="for everything together")
    parser.add_argument("--hint", default="", help="the request's words")
    parser.add_argument("--scope", default="all", choices=("all", "report", "symbols", "named"),
                        help="which failing tests the hint can be about")  # fmt: skip
    parser.add_argument("--meant", action="append", default=[], help="a test that is meant, by its id")
    parser.add_argument("--failed", action="append", default=[], help="a test that failed before, by its id")
    options = parser.parse_args(argv)
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:5.1f} s] {text}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="hob-mend-") as scratch:
        root = options.root.resolve()
        meant, failed = tuple(options.meant), tuple(options.failed)
        request = Request(text=options.hint, scope=options.scope, tests=meant, failed=failed)
        result = mend(root, options.test, request, options.seconds, Path(scratch), say)
    result["used"] = _read_usage()
    sys.stdout.write(f"{MARK}{json.dumps(result, ensure_ascii=False)}\n")
    return {"mended": 0, "partial": 0, "cannot_run": 2, "no_tests": 2}.get(result["outcome"], 1)


def _read_own_peak() -> int:
    """KiB: https://man7.org/linux/man-pages/man5/proc_pid_status.5.html (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def _read_usage() -> dict[str, float]:
    """Processor seconds of this process and its children together, MiB of the largest of them.

    This process's own ``ru_maxrss`` has in it what its starter took before, so the kernel's status is read.
    """
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    return {
        "cpu_seconds": round(seconds, 1),
        "peak_mib": round(max(_read_own_peak(), others.ru_maxrss) / 1024, 1),
    }
