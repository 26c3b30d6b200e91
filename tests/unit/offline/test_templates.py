"""Spans, edits and templates: what is proposed for a line, and that the rest of the text stays as it is."""

from __future__ import annotations

import ast

import pytest

from bot.guest.mend.candidates import propose
from bot.guest.mend.localise import Findings, Suspect
from bot.guest.mend.report import make_hunks
from bot.guest.mend.site import Clues
from bot.guest.mend.source import Source, TextEdit, apply_edits
from bot.guest.mend.templates.literals.texts import correct_text
from bot.offline.phrases import PHRASES, explain_edit, find_difference


def changed(text: str, line: int, clues: Clues | None = None, **types: str) -> dict[str, str]:
    """Every text that is proposed for one suspicious line, with the template's name."""
    source = Source("m.py", text)
    findings = Findings(
        suspects=[Suspect(path="m.py", line=line, score=1.0, function="f")], sources={"m.py": source}
    )
    findings.types["m.py", "f"] = {name: {kind} for name, kind in types.items()}
    return {apply_edits(text, each.edits): each.template for each in propose(findings, clues or Clues())}


def body(statement: str, before: str = "") -> str:
    return f"def f(self, a, b, items):\n{before}    {statement}\n"


@pytest.mark.parametrize("kind", ["RecursionError", "MemoryError", "AssertionError", "KeyboardInterrupt"])
def test_what_says_that_the_end_is_reached_is_never_caught(kind: str) -> None:
    tried = "    try:\n        a = b\n    except ValueError:\n        a = 1\n"
    for text, line in ((body("return f(self, a, b, items)"), 2), (body("return a", tried), 4)):
        for proposed in changed(text, line, Clues(errors=frozenset({kind}))):
            assert kind not in proposed


@pytest.mark.parametrize(
    ("wrong", "right", "types"),
    [
        ("return a < b", "return a <= b", {}),
        ("return a is b", "return a == b", {}),
        ("return a and b", "return a or b", {}),
        ("return a - b", "return b - a", {}),
        ("return a + b * 2", "return (a + b) * 2", {}),
        ("return a / b", "return a // b", {}),
        ("return items[a]", "return items[a - 1]", {"a": "int"}),
        ("return range(a)", "return range(a + 1)", {"a": "int"}),
        ("return items[1:]", "return items[:]", {}),
        ("return a == 10", "return a == 11", {}),
        ("return min(a, b)", "return max(a, b)", {}),
        ("return f(self, a, b, items)", "return f(self, b, a, items)", {}),
        ("return a", "return b", {}),
        ("return a", "return a.strip()", {"a": "str"}),
        ("return a", "return abs(a)", {"a": "int"}),
        ("return sorted(items)", "return sorted(items, reverse=True)", {}),
        ("return items[a]", "return items.get(a)", {"items": "dict"}),
        ("return items", "return list(items)", {"items": "list"}),
        ("return [x for x in items]", "return [x for x in items if x]", {}),
        ("return a - len(items)", "return a - len(items) - b", {"a": "int", "b": "int"}),
        ("a.strip()", "return a.strip()", {}),
        ("raise ValueError(a)", "raise KeyError(a)", {}),
        ("return True", "return False", {}),
    ],
)
def test_the_right_line_is_among_the_proposals(wrong: str, right: str, types: dict[str, str]) -> None:
    assert body(right) in changed(body(wrong), 2, **types)


def test_a_guard_goes_in_front_of_the_first_statement() -> None:
    right = body("return len(items)", before="    if items is None:\n        return 0\n")
    assert changed(body("return len(items)"), 2, **{"items": "NoneType"})[right] == "missing-guard"


def test_a_return_moves_out_of_its_loop() -> None:
    wrong = "def f(items):\n    for x in items:\n        g(x)\n        return items\n"
    right = "def f(items):\n    for x in items:\n        g(x)\n    return items\n"
    assert changed(wrong, 4)[right] == "block"


def test_a_mutable_default_is_made_afresh() -> None:
    wrong = "def f(a, to=[]):\n    to.append(a)\n    return to\n"
    right = "def f(a, to=None):\n    if to is None:\n        to = []\n    to.append(a)\n    return to\n"
    assert changed(wrong, 2)[right] == "mutable-default"


def test_an_exception_that_the_test_saw_is_caught_as_well() -> None:
    wrong = "def f(a):\n    try:\n        return a[0]\n    except KeyError:\n        return None\n"
    proposals = changed(wrong, 4, Clues(errors=frozenset({"IndexError"})))
    assert wrong.replace("KeyError", "(KeyError, IndexError)") in proposals


def test_every_proposal_that_parses_leaves_other_lines_alone() -> None:
    text = "# é comment\ndef f(self, a, items):\n    x = 'ü' + a  # stays\n    return items[x]\n\n\ny = f\n"
    for new in changed(text, 3, a="str"):
        assert new.startswith("# é comment\ndef f(self, ")
        assert new.endswith("\n\n\ny = f\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spans_count_characters_and_keep_line_ends(newline: str) -> None:
    text = f"x = 'äöü'; y = a < b{newline}z = 1{newline}"
    source = Source("m.py", text)
    compare = next(node for node in ast.walk(source.tree) if isinstance(node, ast.Compare))
    assert source.segment(compare) == "a < b"
    assert source.line(2) == "z = 1"
    assert source.line_of(len(text) - 1) == 2
    assert apply_edits(text, [TextEdit(*source.span(compare), "c")]) == text.replace("a < b", "c")


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [TextEdit(0, 2, "x"), TextEdit(1, 3, "y")])


def test_a_hunk_takes_in_as_many_lines_as_make_it_unique() -> None:
    before = "a\nx = 1\nb\nx = 1\nc\n"
    (hunk,) = make_hunks(before, before.replace("b\nx = 1", "b\nx = 2"))
    assert (hunk.line, hunk.before, hunk.after) == (4, "x = 1\n", "x = 2\n")
    assert before.count(hunk.old) == 1
    assert before.replace(hunk.old, hunk.new) == "a\nx = 1\nb\nx = 2\nc\n"


def test_the_difference_of_two_compared_texts_is_carried_over() -> None:
    assert "Hello, " in correct_text("Hello ", "Hello Bob", "Hello, Bob")


def test_words_for_a_change() -> None:
    assert find_difference("    if a > b:\n", "    if a >= b:\n") == (">", ">=")
    assert (
        explain_edit("comparison", "if a > b:", "if a >= b:") == "It compared with `>` where `>=` is meant."
    )
    assert explain_edit("missing-statement", "", "    seen.add(x)\n") == "This statement was missing."
    assert (
        explain_edit("pattern", 'x = re.sub(r"[^a-z]", "-", y)\n', 'x = re.sub(r"[^a-z]+", "-", y)\n')
        == 'The pattern was `r"[^a-z]"` where `r"[^a-z]+"` is meant.'
    )
    assert explain_edit("unheard of", "a", "b") == "It said `a` where `b` is meant."


def test_every_template_has_words() -> None:
    from bot.guest.mend.templates import TEMPLATES

    assert {each.name for each in TEMPLATES} <= set(PHRASES)
