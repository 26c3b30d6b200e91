"""Statements that a loop or a function leaves undone, and reckoning that is nearly right, are proposed."""

from __future__ import annotations

import pytest

from bot.guest.mend.site import Clues
from tests.unit.offline.test_templates import changed

FILLED = (
    "def f(items):\n    row = []\n{loop}        if len(row) == 3:\n            {full}\n            row = []\n"
)


@pytest.mark.parametrize("loop", ["    for each in items:\n        row.append(each)\n", "    while items:\n"])
@pytest.mark.parametrize("full", ["rows.append(row)", "yield row", "write(row, end='')"])
def test_the_last_piece_is_done_behind_the_loop(loop: str, full: str) -> None:
    text = FILLED.format(loop=loop, full=full)
    assert f"{text}    if row:\n        {full}\n" in changed(text, 3)
    assert f"{text}    {full}\n" in changed(text, 3)


def test_a_nested_function_is_called_once_more_behind_the_loop() -> None:
    text = (
        "def f(items):\n    row = []\n\n    def flush():\n        done.append(row)\n\n"
        "    for each in items:\n        if each:\n            flush()\n"
    )
    found = changed(text, 7)
    assert f"{text}    flush()\n" in found
    assert f"{text}    if row:\n        flush()\n" in found


@pytest.mark.parametrize(
    ("empty", "line"),
    [("set()", "seen.add(each.name)"), ("[]", "seen.append(each.name)"), ("{}", "seen[each.name] = True")],
)
def test_what_is_asked_and_never_filled_is_filled(empty: str, line: str) -> None:
    text = (
        f"def f(items):\n    seen = {empty}\n    for each in items:\n"
        "        if each.name in seen:\n            raise ValueError\n"
    )
    right = f"{text}        {line}\n"
    assert changed(text, 4)[right] == "unfilled"
    assert "unfilled" not in changed(right, 4).values()


def test_a_decorator_without_wraps() -> None:
    head = "import functools\n\n\ndef cached(function):\n"
    inner = "    def call(*args, **kwargs):\n        return function(*args, **kwargs)\n\n    return call\n"
    assert f"{head}    @functools.wraps(function)\n{inner}" in changed(f"{head}{inner}", 5)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("return a // 100", "return -(-a // 100)"),
        ("return a // 100", "return (a + 50) // 100"),
        ("return a // b", "return (a + b // 2) // b"),
        ("return abs(a // b)", "return abs(a) // b"),
        ("return abs(a) // b", "return abs(a // b)"),
        ("return a * 100 - b // 100", "return a * (100 - b) // 100"),
        ("return a and b or items", "return a and (b or items)"),
        ("return Span(a, b + items)", "return Span(a - items, b + items)"),
        ("return Span(a - items, b)", "return Span(a - items, b + items)"),
        ('return int(a.get("n", 0))', 'return int(a.get("n") or 0)'),
        ("a.clear()", "a = []"),
        (
            "for each in items:\n        a[each] = b",
            "for each in items:\n        a[each] = a.get(each, 0) + b",
        ),
        (
            "for each in items:\n        a[each] = b",
            "for each in items:\n        a.setdefault(each, []).append(b)",
        ),
    ],
)
def test_reckoning_that_is_nearly_right(wrong: str, right: str) -> None:
    text = "def f(a, b, items):\n    {}\n"
    found = changed(text.format(wrong), 3 if "\n" in wrong else 2)
    assert text.format(right) in found


def test_a_result_that_is_not_waited_for() -> None:
    text = "async def f(job):\n    kept = job.run()\n    return kept\n"
    assert text.replace("job.run()", "await job.run()") in changed(text, 2)
    assert not any("await job" in each for each in changed(text.replace("async ", ""), 2))


def test_a_count_and_the_case_of_a_pattern() -> None:
    text = 'def f(a):\n    return re.match(r"(js|css){2}:", a)\n'
    found = changed(text, 2, Clues(strings=("JS:",)))
    assert text.replace("{2}", "{1,2}") in found
    assert text.replace('r"', 'r"(?i)') in found
