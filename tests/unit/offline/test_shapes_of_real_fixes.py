"""Shapes of edits that fixes in public histories have: each is among what is proposed for its line."""

from __future__ import annotations

import pytest

from bot.guest.mend.site import Clues
from tests.unit.offline.test_templates import changed

HEAD = """\
import inspect
import json
import re

NAME = 3
EXTRA, REMOVE = "extra", "remove"


class Other:
    pass


def escape(text):
    return re.escape(text)


def quote(text):
    return escape(text)


"""


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("return re.split(a, items)", "return re.split(re.escape(a), items)"),
        ("return a == b", "return escape(a) == escape(b)"),
        ("return len(escape(a))", "return len(quote(a))"),
        ("return getattr(a, 'b', {})", "return {}"),
        ("return a or b", "return a if a is not None else b"),
        ("return escape(1)", "return escape(b)"),
        ("return max(a, 10)", "return max(a, NAME)"),
        ("return a", "return [a]"),
        ("return a", "return a[:]"),
        ("return b(a)", "return b(*a)"),
        ("return [escape(each) for each in a]", "return a"),
        ("return [escape(each) for each in a]", "return [each for each in a]"),
        (
            "if a:\n        return 1\n    elif b:\n        c = 3\n        return c",
            "if b:\n        c = 3\n        return c\n    elif a:\n        return 1",
        ),
        ("return b(a)", "return b(a, items=items)"),
        ("return json.dumps(a)", "return json.dumps(a, default=str)"),
        ("if a.get(b):\n        return 1", "if b in a:\n        return 1"),
        ("if not a.get(b):\n        return 1", "if b not in a:\n        return 1"),
        ("del a[b]", "a.pop(b, None)"),
        ("return isinstance(a, tuple)", "return isinstance(a, tuple) and len(a) > 1"),
        ("return all(a[k] == b for k in items)", "return all(k in a and a[k] == b for k in items)"),
        ("if a:\n        return 1", "if a and not isinstance(b, str):\n        return 1"),
        ("if isinstance(a, type):\n        return 1", "if inspect.isclass(a):\n        return 1"),
        ("return type(a) is list", "return isinstance(a, list)"),
        ("return type(a) in [list, str]", "return isinstance(a, (list, str))"),
        ("return type(a) != Other", "return not isinstance(a, Other)"),
        ("return isinstance(a, list)", "return isinstance(a, (list, Other))"),
        ("return a != Other", "return not isinstance(a, Other)"),
        ("return a + b", "if isinstance(a, tuple):\n        a = list(a)\n    return a + b"),
        ("return a + b", "if b is None:\n        b = []\n    return a + b"),
        ("if a:\n        return 1", "return 1"),
        ("a.close(b)", 'if hasattr(a, "close"):\n        a.close(b)'),
        ("return ' '.join(a)", "return ' '.join(map(str, a))"),
        ("return '%s' % a", "return '%s' % (a,)"),
        ("return a.normalize('NFKC', b)", "return a.normalize('NFD', b)"),
        ("return open(a, mode='w')", "return open(a, mode='a')"),
        ("return a.decode('ascii', 'strict')", "return a.decode('ascii', 'replace')"),
        ("return a.to_bytes(4, 'big')", "return a.to_bytes(4, 'little')"),
        ("return a.strftime('%Y-%M')", "return a.strftime('%Y-%m')"),
        ("return a.strftime('%I:%M')", "return a.strftime('%H:%M')"),
        ("return f'{a:02X}'", "return f'{a:02x}'"),
        ("return '%d of %d' % (a, b)", "return '%s of %d' % (a, b)"),
        ("if a.name and items:\n        return 1", "if a.name is not None and items:\n        return 1"),
        ("if not a.name or items:\n        return 1", "if a.name is None or items:\n        return 1"),
        ("if a in items:\n        return 1", "if items.get(a):\n        return 1"),
        ("if a in items:\n        return 1", "if a in items and items[a]:\n        return 1"),
        ("if not a in items:\n        return 1", "if not (a in items and items[a]):\n        return 1"),
        ("assert isinstance(a, Other), a", "if not isinstance(a, Other):\n        return NotImplemented"),
        ("assert isinstance(a, Other)", "if not isinstance(a, Other):\n        return False"),
        ("if a.startswith('#'):\n        return 1", "if a.lstrip().startswith('#'):\n        return 1"),
        ("return f\"it is '{a}' now\"", 'return f"it is {a!r} now"'),
        ("c, d = a\n    return c", "c, d = a[:2]\n    return c"),
        ("return re.compile('[0-9]+')", "return re.compile('[0-9]+$')"),
        ("return re.compile(r'\\.a|\\.b')", "return re.compile(r'(?:\\.a|\\.b)$')"),
        (
            "if a:\n        b = 1\n    else:\n        b = 2",
            "if a:\n        b = 1\n    elif b is not None:\n        b = 2",
        ),
    ],
)
def test_the_right_change_is_proposed(wrong: str, right: str) -> None:
    text = f"{HEAD}def f(a, b, items):\n    {wrong}\n"
    line = text.splitlines().index("def f(a, b, items):") + 2
    assert f"{HEAD}def f(a, b, items):\n    {right}\n" in changed(text, line)


@pytest.mark.parametrize(
    ("wrong", "right", "clues"),
    [
        (
            'def f(a):\n    if a != "x":\n        return 1\n',
            "def f(a):\n    if a not in (\"x\", 'y'):\n        return 1\n",
            Clues(strings=("y",)),
        ),
        (
            "def f(a):\n    if a == 2:\n        return 1\n",
            "def f(a):\n    if a in (2, 3):\n        return 1\n",
            Clues(numbers=(3,)),
        ),
        (
            "def f(a):\n    b = copy(a)\n    return b\n",
            "def f(a):\n    b = (copy(a) or {})\n    return b\n",
            Clues(errors=frozenset({"TypeError"})),
        ),
        (
            'def f(a):\n    if a == "keys":\n        b = 1\n    return b\n',
            'def f(a):\n    if a == "keys":\n        b = 1\n'
            '    elif a == "row":\n        b = []\n    return b\n',
            Clues(strings=("row",)),
        ),
        (
            'def f(a):\n    if a == "ZZ":\n        return 1\n    return b\n',
            'def f(a):\n    if a == "ZZ":\n        return 1\n'
            '    elif a == "ZZZ":\n        return 1\n    return b\n',
            Clues(strings=("ZZZ",)),
        ),
        (
            'MAP = {"html": html}\n\n\ndef f(a):\n    return MAP[a]\n',
            'MAP = {"html": html, "md": html}\n\n\ndef f(a):\n    return MAP[a]\n',
            Clues(strings=("md",)),
        ),
        (
            'MAP = {\n    "html": "html",\n    "rst": "rst",\n}\n\n\ndef f(a):\n    return MAP[a]\n',
            'MAP = {\n    "html": "html",\n    "rst": "rst",\n    "md": "md",\n}\n\n\n'
            "def f(a):\n    return MAP[a]\n",
            Clues(strings=("md",)),
        ),
        (
            "KINDS = (list, tuple)\n\n\ndef f(a):\n    return isinstance(a, KINDS)\n",
            "KINDS = (list, tuple, set)\n\n\ndef f(a):\n    return isinstance(a, KINDS)\n",
            Clues(),
        ),
        (
            'P = re.compile(r"^\\d+$")\n\n\ndef f(a):\n    return P.match(a)\n',
            'P = re.compile(r"^-?\\d+$")\n\n\ndef f(a):\n    return P.match(a)\n',
            Clues(strings=("-3",)),
        ),
        (
            'P = re.compile(r"ZZ")\n\n\ndef f(a):\n    return P.match(a)\n',
            'P = re.compile(r"^ZZ$")\n\n\ndef f(a):\n    return P.match(a)\n',
            Clues(),
        ),
        (
            "class A:\n    def __eq__(self, other):\n        return False\n",
            "class A:\n    def __eq__(self, other):\n        return NotImplemented\n",
            Clues(),
        ),
        (
            "class A:\n    def f(self):\n        return A()\n",
            "class A:\n    def f(self):\n        return type(self)()\n",
            Clues(),
        ),
        (
            "class A:\n    def f(self):\n        return 'A' + self.x\n",
            "class A:\n    def f(self):\n        return self.__class__.__name__ + self.x\n",
            Clues(),
        ),
        (
            "def f(a):\n    try:\n        return a()\n    except TypeError:\n        return 1\n",
            "def f(a):\n    try:\n        return a()\n"
            "    except (TypeError, UnicodeDecodeError):\n        return 1\n",
            Clues(errors=frozenset({"UnicodeDecodeError"})),
        ),
        (
            "def f(a):\n    return a.lower()\n",
            'def f(a):\n    return a.lower().replace("\'", "")\n',
            Clues(pairs=(("the cats toy", "the cat's toy"),)),
        ),
        (
            "def f(a):\n    return a.lower()\n",
            'def f(a):\n    return a.lower().replace("_", "-")\n',
            Clues(pairs=(("a-b", "a_b"),)),
        ),
        (
            "def g():\n    raise KeyError('x')\n\n\ndef f(a):\n    return None\n",
            "def g():\n    raise KeyError('x')\n\n\ndef f(a):\n    raise KeyError('x')\n",
            Clues(awaited=("KeyError",)),
        ),
    ],
)
def test_the_right_change_of_a_file_is_proposed(wrong: str, right: str, clues: Clues) -> None:
    assert any(right in changed(wrong, line, clues) for line in range(1, wrong.count("\n") + 1))


def test_options_go_behind_the_last_argument_also_where_a_comma_ends_the_call() -> None:
    text = "def f(a, b):\n    return g(\n        a,\n    )\n"
    assert "def f(a, b):\n    return g(\n        a, b=b,\n    )\n" in changed(text, 2)


@pytest.mark.parametrize(
    ("right", "types", "clues"),
    [
        ("if not isinstance(a, str):\n        return None\n    return b(a)", {"a": "int"}, Clues()),
        ("if isinstance(a, Other):\n        return a\n    return b(a)", {"a": "Other"}, Clues()),
        (
            "if not isinstance(a, str):\n        raise ValueError()\n    return b(a)",
            {"a": "int"},
            Clues(awaited=("ValueError",)),
        ),
    ],
)
def test_a_value_of_another_kind_is_left_out_on_entry(
    right: str, types: dict[str, str], clues: Clues
) -> None:
    text = f"{HEAD}def f(a, b, items):\n    return b(a)\n"
    line = text.splitlines().index("def f(a, b, items):") + 2
    assert f"{HEAD}def f(a, b, items):\n    {right}\n" in changed(text, line, clues, **types)


def test_an_attribute_that_some_values_lack_is_asked_for() -> None:
    text = f"{HEAD}def f(a, b, items):\n    x = a.c\n    return b(x)\n"
    line = text.splitlines().index("    x = a.c") + 1
    proposed = changed(text, line, Clues(missing=frozenset(("c",))))
    assert text.replace("a.c", 'getattr(a, "c", None)') in proposed


def test_a_handler_may_catch_one_exception_less() -> None:
    text = "def f(a):\n    try:\n        a()\n    except (ValueError, KeyError):\n        return 1\n"
    made = changed(text, 4)
    assert {
        text.replace("(ValueError, KeyError)", name) for name in ("ValueError", "KeyError")
    } <= made.keys()


def test_another_type_is_left_to_the_other_operand() -> None:
    text = "class A:\n    def __lt__(self, other):\n        return self.n < other.n\n"
    guard = "        if not isinstance(other, A):\n            return NotImplemented\n"
    assert text.replace("        return", f"{guard}        return") in changed(text, 3)


def test_a_condition_may_lack_an_attribute_that_is_set() -> None:
    attributes = "".join(f"        self.a{n} = {n}\n" for n in range(9))
    text = f"class A:\n    def f(self, a):\n{attributes}        if self.a1:\n            return a\n"
    assert text.replace("if self.a1", "if self.a1 and self.a8 is not None") in changed(text, 12)


def test_no_call_comes_around_an_empty_value_of_a_builtin() -> None:
    text = f"{HEAD}def f(a):\n    return set()\n"
    line = len(text.splitlines())
    assert text.replace("set()", "escape(set())") not in changed(text, line)
    filled = text.replace("set()", "set(a)")
    assert filled.replace("set(a)", "escape(set(a))") in changed(filled, line)
