"""Kinds of change that maintainers make and the search used to come near: each on two inputs."""

from __future__ import annotations

import pytest

from bot.guest.mend.site import Clues
from tests.unit.offline.test_templates import changed

TEXTS = Clues(strings=("zebra", "zebrae", "tel:+49"), numbers=(7, 12))
CASES = [
    (
        "case-folding",
        "def f(name, known):\n    return name == known\n",
        "def f(name, known):\n    return name.lower() == known.lower()\n",
        {"name": "str", "known": "str"},
    ),
    (
        "case-folding",
        "def f(path):\n    return path.endswith('.Png')\n",
        "def f(path):\n    return path.lower().endswith('.png')\n",
        {"path": "str"},
    ),
    (
        "wider-type",
        "def f(rows):\n    return isinstance(rows, list)\n",
        "def f(rows):\n    return isinstance(rows, (list, tuple))\n",
        {"rows": "tuple"},
    ),
    (
        "wider-type",
        "def f(x):\n    return isinstance(x, (int, str))\n",
        "def f(x):\n    return isinstance(x, (int, str, float))\n",
        {"x": "float"},
    ),
    (
        "predicate",
        "def f(item, known):\n    return True\n",
        "def f(item, known):\n    return item in known\n",
        {"item": "str", "known": "set"},
    ),
    (
        "predicate",
        "def f(low, high):\n    return False\n",
        "def f(low, high):\n    return low < high\n",
        {"low": "int", "high": "int"},
    ),
    (
        "unused-parameter",
        "def f(text, width):\n    return text.rjust(8)\n",
        "def f(text, width):\n    return text.rjust(width)\n",
        {"width": "int"},
    ),
    (
        "unused-parameter",
        "def f(parts, sep=';'):\n    return ','.join(parts)\n",
        "def f(parts, sep=';'):\n    return sep.join(parts)\n",
        {"sep": "str"},
    ),
    ("expected-value", "def f(a):\n    return None\n", "def f(a):\n    return 12\n", {}),
    ("expected-value", "def f(a):\n    return None\n", "def f(a):\n    return 'zebra'\n", {}),
    ("table-row", "MANY = {'ox': 'oxen'}\n", "MANY = {'ox': 'oxen', 'zebra': 'zebrae'}\n", {}),
    ("table-row", "DAYS = {'zebu': 3}\n", "DAYS = {'zebu': 3, 'zebra': 7}\n", {}),
    ("whole-text", "CODE = r'^[a-f]+$'\n", "CODE = r'\\A[a-f]+\\Z'\n", {}),
    ("whole-text", 'WORD = r"\\w+$"\n', 'WORD = r"\\w+\\Z"\n', {}),
    ("alternative", "UNIT = r'(ox|cow)s?'\n", "UNIT = r'(ox|cow|zebra)s?'\n", {}),
    ("alternative", "NUMBER = r'[0-9-]+'\n", "NUMBER = r'[0-9-+]+'\n", {}),
    (
        "missing-else",
        "def f(a, b):\n    if a:\n        b = a\n    return b\n",
        "def f(a, b):\n    if a:\n        b = a\n    else:\n        b = None\n    return b\n",
        {},
    ),
    (
        "missing-else",
        "def f(rate, t):\n    if rate > 1:\n        t = 1\n    return t\n",
        "def f(rate, t):\n    if rate > 1:\n        t = 1\n    else:\n        t = rate\n    return t\n",
        {},
    ),
    (
        "kept-key",
        "def f(groups, k, v):\n    groups[k].append(v)\n",
        "def f(groups, k, v):\n    groups.setdefault(k, []).append(v)\n",
        {},
    ),
    (
        "kept-key",
        "def f(counts, word):\n    counts[word] += 1\n",
        "def f(counts, word):\n    counts[word] = counts.get(word, 0) + 1\n",
        {},
    ),
    (
        "arguments",
        "def f(path):\n    return path.read_text()\n",
        'def f(path):\n    return path.read_text(encoding="utf-8")\n',
        {},
    ),
    (
        "arguments",
        "def f(path):\n    return open(path, 'w')\n",
        "def f(path):\n    return open(path, 'w', newline=\"\")\n",
        {},
    ),
    (
        "missing-guard",
        "def f(n):\n    return n * 2\n",
        "def f(n):\n    if n < 0:\n        raise ValueError()\n    return n * 2\n",
        {"n": "int"},
    ),
    (
        "missing-guard",
        "def f(name):\n    return name[0]\n",
        "def f(name):\n    if not isinstance(name, str):\n        raise ValueError()\n    return name[0]\n",
        {"name": "str"},
    ),
]


@pytest.mark.parametrize(("kind", "wrong", "right", "types"), CASES)
def test_it_is_among_the_proposals(kind: str, wrong: str, right: str, types: dict[str, str]) -> None:
    clues = Clues(strings=TEXTS.strings, numbers=TEXTS.numbers, awaited=("ValueError",))
    made: dict[str, str] = {}
    for line in range(1, wrong.count("\n") + 1):
        made |= changed(wrong, line, clues, **types)
    assert made.get(right) == kind, [each for each in made.items() if each[1] == kind]


def test_a_text_that_is_no_pattern_stays_as_it_is() -> None:
    assert "whole-text" not in changed("NOTE = '^ see above $'\n", 1, TEXTS).values()


def test_a_parameter_that_is_read_is_not_put_in_a_literals_place() -> None:
    made = changed("def f(text, width):\n    return text.rjust(8) * width\n", 2, TEXTS, width="int")
    assert "unused-parameter" not in made.values()
