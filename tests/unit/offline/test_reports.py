"""Bug reports as strangers write them, in many layouts and languages: which call, and what is meant."""

from __future__ import annotations

import pytest

from bot.domain import Brief, TaskKind
from bot.offline.examples.find import read_examples
from bot.offline.intent import Intent, read_intent

DASHES = ("slugify('a  b')", "'a-b'")
REPORTS = {
    "one sentence": ("`slugify('a  b')` gives 'a--b' but should give 'a-b'", DASHES),
    "a session": (
        "Double dashes\n\n```python\n>>> from shop.text import slugify\n>>> slugify('a  b')\n'a--b'\n```\n"
        "I would expect `'a-b'` here.",
        DASHES,
    ),
    "a session with a comment": (
        "```pycon\n>>> pad('7', width=3)\n'7'   # should be '007'\n```",
        ("pad('7', width=3)", "'007'"),
    ),
    "a session with a variable": (
        "```\n>>> found = median([1, 2, 3, 4])\n>>> found\n2\n```\nExpected: 2.5",
        ("median([1, 2, 3, 4])", "2.5"),
    ),
    "a script": (
        "```python\nx = slugify('a  b')\nassert x == 'a-b', x\n```\nfails with AssertionError: a--b",
        DASHES,
    ),
    "a table": (
        "| input | actual | expected |\n|---|---|---|\n| `slugify('a  b')` | `a--b` | `a-b` |",
        DASHES,
    ),
    "a table in another order": (
        "| call | should be | got |\n| :-- | --- | --: |\n| half(3) | 1.5 | 1 |\n| half(4) | 2.0 | 2 |",
        ("half(3)", "1.5"),
    ),
    "two labels": ("slugify('a  b')\n\nExpected: 'a-b'\nGot: 'a--b'", DASHES),
    "a form with headings": (
        "### Steps to reproduce\n```python\nslugify('a  b')\n```\n### Expected result\n```\n'a-b'\n```\n"
        "### Actual result\n```\n'a--b'\n```",
        DASHES,
    ),
    "a form with questions": (
        "### What happened?\nadd(2, 3) returned -1\n\n### What did you expect to happen?\n5\n",
        ("add(2, 3)", "5"),
    ),
    "a traceback": (
        "size('10 KB') blows up, it should be 10240:\n\n```\nTraceback (most recent call last):\n"
        '  File "x.py", line 3, in <module>\n    size(\'10 KB\')\n  File "sizes.py", line 9, in size\n'
        "    return int(text)\nValueError: invalid literal for int() with base 10: '10 KB'\n```",
        ("size('10 KB')", "10240"),
    ),
    "a message that names a builtin": (
        "size(None) -> TypeError: int() argument must be a string; should return None instead",
        ("size(None)", "None"),
    ),
    "another exception": ("size('') should not raise IndexError but ValueError", ("size('')", "ValueError")),
    "another exception is right": (
        "size('') raises IndexError. A ValueError would be right.",
        ("size('')", "ValueError"),
    ),
    "a question": (
        "`Cart([2, 3]).total(discount=1)` evaluates to 5. Shouldn't it be 4?",
        ("Cart([2, 3]).total(discount=1)", "4"),
    ),
    "the wish first": ("Instead of 5, add(2, 3) returns -1", ("add(2, 3)", "5")),
    "a list": (
        "- `add(1, 2)` → `-1` (expected `3`)\n- `add(0, 5)` → `-5` (expected `5`)",
        ("add(1, 2)", "3"),
    ),
    "arrows": ("add(2, 3) => -1\nexpected => 5", ("add(2, 3)", "5")),
    "what is returned": (
        "list(chunks([1,2,3], 2)) yields [[1, 2]] but [[1, 2], [3]] is expected",
        ("list(chunks([1,2,3], 2))", "[[1, 2], [3]]"),
    ),
    "as it was": ("`add(2, 3)` used to return 5, now it returns -1", ("add(2, 3)", "5")),
    "German": ("slugify('a  b') gibt 'a--b' zurück, sollte aber 'a-b' sein", DASHES),
    "French": ("`slugify('a  b')` renvoie 'a--b' au lieu de 'a-b'", DASHES),
    "Spanish": ("slugify('a  b') da 'a--b' pero debería dar 'a-b'", DASHES),
    "Portuguese": ("`slugify('a  b')` retorna 'a--b', mas deveria retornar 'a-b'", DASHES),
    "Italian": ("slugify('a  b') restituisce 'a--b' invece di 'a-b'", DASHES),
    "Polish": ("slugify('a  b') zwraca 'a--b' zamiast 'a-b'", DASHES),
    "Russian": ("slugify('a  b') возвращает 'a--b', а должно быть 'a-b'", DASHES),
    "Chinese": ("`slugify('a  b')` 返回 'a--b',应该返回 'a-b'", DASHES),
    "Japanese": ("`slugify('a  b')` が 'a--b' を返します。'a-b' を期待しています。", DASHES),
    "Korean": ("`slugify('a  b')` 는 'a--b' 를 반환합니다. 'a-b' 여야 합니다.", DASHES),
}
UNSAID = [  # no result that is meant can be told from these
    "slugify('a  b') is broken",
    "add(2, 3) returns -1",
    "With version 1.2 `add(2, 3)` returned 5.",
    "| call | time |\n|---|---|\n| add(2, 3) | 5 |",
    "x = add(2, 3)\nx.real\nx == 5",
    "Calling find('x') ends with KeyError: 'x'",
]


@pytest.mark.parametrize("kind", REPORTS)
def test_the_call_and_what_is_meant_are_read(kind: str) -> None:
    said, (call, meant) = REPORTS[kind]
    assert (
        read_intent(Brief(kind=TaskKind.CHANGE, request=said, title="", test_command="pytest")) is Intent.MEND
    )
    first = read_examples(said)[0]
    assert (first.call, first.expected or first.expected_error) == (call, meant)


@pytest.mark.parametrize("said", UNSAID)
def test_a_result_that_is_not_said_is_not_guessed(said: str) -> None:
    assert not [each for each in read_examples(said) if each.expected or each.expected_error]
