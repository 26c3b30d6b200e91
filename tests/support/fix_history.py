"""A small repository whose history has bug fixes with their tests, and commits that are none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.demo.story import git

RIGHT = '''\
"""A shop's prices."""


def discount(amount, limit=100):
    """What is taken off."""
    if amount >= limit:
        return 10
    return 0


def shipping(weight, free=20):
    if weight <= free:
        return 0
    return weight - free


def grade(points, best=90):
    if points >= best:
        return "a"
    return "b"


def ripe(days, least=3):
    if days >= least:
        return True
    return False


def full(count, most=8):
    if count >= most:
        return "full"
    return "room"


def late(hour, closing=18):
    if hour >= closing:
        return "closed"
    return "open"
'''
# Each with what was wrong, the call that shows it, and what it gives.
FAULTS = (
    ("amount >= limit", "amount > limit", "discount(100)", "10"),
    ("points >= best", "points > best", "grade(90)", "'a'"),
    ("days >= least", "days > least", "ripe(3)", "True"),
    ("count >= most", "count > most", "full(8)", "'full'"),
    ("hour >= closing", "hour > closing", "late(18)", "'closed'"),
    ("weight <= free", "weight < free", "shipping(20.5)", "0.5"),
)


def make_fix_history(root: Path, more: Mapping[str, str] | None = None) -> Path:
    """A repository with a fix of a comparison for each of ``FAULTS`` but the last, which no test shows.

    ``more`` are further files of it.
    """
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    text = RIGHT
    for right, wrong, _, _ in FAULTS:
        text = text.replace(right, wrong)
    (root / "LICENSE").write_text("Permission is hereby granted, free of charge, without restriction\n")
    for name, content in (more or {}).items():
        (root / name).write_text(content)
    (root / "tests").mkdir()
    tests = (
        "import shop\n\n\ndef test_far_below():\n    assert shop.discount(1) == 0 and shop.grade(1) == 'b'\n"
    )
    _commit(root, text, tests, "Add a shop")
    for at, (right, wrong, call, gives) in enumerate(FAULTS):
        text = text.replace(wrong, right)
        tests += f"\n\ndef test_limit_{at}():\n    assert shop.{call} == {gives}\n"
        _commit(
            root,
            text,
            tests,
            f"Fix the limit of {call.partition('(')[0]} (#{at + 1})\n\nSigned-off-by: A <a@b.c>",
        )
    text = text.replace('"""What is taken off."""', '"""What is taken off, in euros."""')
    _commit(root, text, tests + "# more\n", "Say what is taken off")
    text += "\n\ndef tax(amount):\n    return amount / 5\n"
    tests += "\n\ndef test_tax():\n    assert shop.tax(5) == 1\n"
    _commit(root, text, tests, "Taxes were not there")
    return root


def _commit(root: Path, text: str, tests: str, message: str) -> None:
    (root / "shop.py").write_text(text)
    (root / "tests" / "test_shop.py").write_text(tests)
    git(root, "add", "-A")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", message)
