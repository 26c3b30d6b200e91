"""Figures of the injection score: misses on attacks, false alarms on ordinary texts.

``make injection-check``; ends with 1 when an ordinary text in fifty, or more, would be taken for an attack.
With ``--shown`` the texts that were judged wrongly are listed, but for those that are kept back from tuning.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.moderation_check import DATA, describe, read_lines
from bot.injection.score import score_text

MOST_FALSE = 0.02


def read_texts(name: str) -> list[str]:
    """The texts of a set whose texts have several lines: each ends at a line of two percent signs."""
    whole = (Path(DATA) / name).read_text("utf-8")
    remark, _, rest = whole.partition("\n")
    assert remark.startswith("#"), f"{name} begins with a line that says what it is"
    return [text.strip("\n") for text in rest.split("\n%%\n") if text.strip()]


def find_missed(name: str) -> list[str]:
    """The attacks of a set that are not suspicious."""
    return [text for text in read_texts(name) if score_text(text, name) is None]


def find_false_alarms() -> list[tuple[str, str]]:
    """The ordinary texts that are suspicious, and by which signs."""
    texts = [*read_lines("ordinary.txt"), *read_texts("readings.txt")]
    judged = ((text, score_text(text, "")) for text in texts)
    return [(text, ", ".join(found.signs)) for text, found in judged if found]


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when there are too many false alarms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shown", action="store_true", help="list the texts that were judged wrongly")
    shown = parser.parse_args(arguments).shown
    issues, readings = len(read_lines("ordinary.txt")), len(read_texts("readings.txt"))
    alarms = find_false_alarms()
    print(f"ordinary texts: {issues} of issues, {readings} of files, logs and pages")
    print(f"  suspicious {describe(len(alarms), issues + readings)}")
    for text, signs in alarms if shown else ():
        print(f"  {signs}: {text!r}")
    for name, what in (("attacks.txt", "written with the signs"), ("attacks-heldout.txt", "kept back")):
        missed, of = find_missed(name), len(read_texts(name))
        print(f"attacks, {what}: {of}, missed {describe(len(missed), of)}")
        for text in missed if shown and name == "attacks.txt" else ():
            print(f"  missed: {text!r}")
    return int(len(alarms) >= MOST_FALSE * (issues + readings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
