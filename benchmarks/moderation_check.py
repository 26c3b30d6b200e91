"""Figures of the moderation's rules: false alarms on ordinary issue texts, misses on abusive ones.

``make moderation-check``; ends with 1 when an ordinary text in a hundred, or more, would be refused. With
``--shown`` the texts themselves are listed, but for those that are kept back from tuning.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bot.eval.figures import wilson
from bot.moderation.rules import find_breach

DATA = Path(__file__).parent.parent / "tests" / "data" / "safety"
MOST_FALSE = 0.01


def read_lines(name: str) -> list[str]:
    """The lines of a set, without its remarks."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def find_false_alarms() -> list[tuple[str, str]]:
    """The ordinary texts that would be refused, and by which rule."""
    judged = ((text, find_breach(text)) for text in read_lines("ordinary.txt"))
    return [(text, f"{verdict.category.value}: {verdict.by}") for text, verdict in judged if verdict]


def find_misses(name: str) -> tuple[list[str], Counter[str], Counter[str]]:
    """The abusive texts that would be taken; by category how many those are, and how many texts there are."""
    missed, misses, texts = [], Counter[str](), Counter[str]()
    for line in read_lines(name):
        category, _, text = line.partition("\t")
        texts[category] += 1
        if find_breach(text) is None:
            missed.append(line)
            misses[category] += 1
    return missed, misses, texts


def main(arguments: Sequence[str]) -> int:
    """Print the figures; 1 when there are too many false alarms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shown", action="store_true", help="list the texts that were judged wrongly")
    shown = parser.parse_args(arguments).shown
    ordinary, alarms = len(read_lines("ordinary.txt")), find_false_alarms()
    print(f"ordinary texts: {ordinary}, refused {describe(len(alarms), ordinary)}")
    for text, why in alarms if shown else ():
        print(f"  {why}: {text}")
    for name, what in (("abusive.txt", "written before the rules"), ("abusive-heldout.txt", "kept back")):
        missed, misses, texts = find_misses(name)
        print(f"abusive texts, {what}: {texts.total()}, missed {describe(len(missed), texts.total())}")
        for category in sorted(texts):
            print(f"  {category:<24} {misses[category]:>2} of {texts[category]}")
        for line in missed if shown and name == "abusive.txt" else ():
            print(f"  missed: {line}")
    return int(len(alarms) >= MOST_FALSE * ordinary)


def describe(count: int, of: int) -> str:
    """A share with its 95% interval."""
    low, high = wilson(count, of)
    return f"{count}: {count / of:.1%} (95% interval {low:.1%} to {high:.1%})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
