"""The search for a fault in JavaScript: its templates, where it looks, how it reads tests; no Node needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.guest.mend_js import candidates as proposing
from bot.guest.mend_js.asked import JsRequest, choose_asked
from bot.guest.mend_js.candidates import JsCandidate, gather_clues, propose
from bot.guest.mend_js.choice.verdict import MATURE, describe_turn, find_doubt
from bot.guest.mend_js.choice.weigh import JsComparison
from bot.guest.mend_js.coverage import read_counts
from bot.guest.mend_js.focus import find_failing_line, find_span
from bot.guest.mend_js.judge import EXIT, list_outcomes, make_pattern, split_name
from bot.guest.mend_js.localise import Spectrum, find_frames, localise
from bot.guest.mend_js.node_run import NodeRun, read_tap
from bot.guest.mend_js.report import make_edit, report_doubts
from bot.guest.mend_js.search import JsBaseline
from bot.guest.mend_js.syntax.source import SourceFile, is_source
from bot.guest.mend_js.templates.edit import JsClues, JsEdit
from bot.guest.mend_js.templates.registry import TEMPLATES


def mends(source: str, clues: JsClues | None = None, path: str = "a.js") -> set[str]:
    """Every text that the templates make of a source."""
    file = SourceFile(path=path, data=source.encode())
    given = clues or JsClues()
    edits = [edit for node in file.nodes for make in TEMPLATES for edit in make(file, node, given)]
    return {(file.data[: e.start] + e.new.encode() + file.data[e.end :]).decode() for e in edits}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("if (a < b) c()", "if (a <= b) c()"),
        ("a(t['n'], t['d']); b(t['n'])", "a(t['n'], t['d']); b(t['d'])"),
        ("a(t.s * t.n); b(t.d)", "a(t.s * t.n); b(t.s * t.d)"),
        ("if (a && b) c()", "if (a || b) c()"),
        ("if (a) c()", "if (!a) c()"),
        ("if (!a) c()", "if (a) c()"),
        ("x = a == b", "x = a === b"),
        ("x = a - b", "x = b - a"),
        ("x = a + b * c", "x = (a + b) * c"),
        ("x = a ? b : c", "x = a ? c : b"),
        ("x = a", "x += a"),
        ("s.charAt(a.length)", "s.charAt(a.length - 1)"),
        ("x = y[i++]", "x = y[++i]"),
        ("f(a, b)", "f(b, a)"),
        ("parseInt(x)", "parseInt(x, 10)"),
        ("x = s.indexOf(a)", "x = s.lastIndexOf(a)"),
        ("x = s.slice(1)", "x = s.substring(1)"),
        ("x.push(y)", "x.unshift(y)"),
        ("x = Math.floor(y)", "x = Math.ceil(y)"),
        ("x = s.toLowerCase()", "x = s"),
        ("f(...a)", "f(a)"),
        ("if (typeof a === 'object') b()", "if (typeof a === 'object' && a !== null) b()"),
        ("if (a > b) c()", "if (a === 0 || a > b) c()"),
        ("if (a === 'x') c()", "if ((a === 'x' || a === undefined)) c()"),
        ("if (!a) c()", "if (a === null) c()"),
        ("if (!a.b) c()", "if (!(a.b !== undefined)) c()"),
        ("const age = o.name", "const age = o.age"),
        ("x = a * b\ny = f(b)", "x = a * b y = f(a * b)"),
        ("a.x = p\na.y = q", "a.x = q a.y = p"),
        ("function f(i) { return a[0] }", "function f(i) { return a[i] }"),
        (
            "function f(s) { if (a) { s.on = true\n b() } else { c() } }",
            "function f(s) { if (a) { s.on = true b() } else { s.on = true c() } }",
        ),
        ("x.trim()", "x = x.trim()"),
        ("x = s.replace(/a/, b)", "x = s.replace(/a/g, b)"),
        ("x = /a/.test(s)", "x = /^a$/.test(s)"),
        ("x = /[a-z]+/", "x = /[a-zA-Z]+/"),
        ("x = 'Get'", "x = 'get'"),
        ("x = typeof y === 'object'", "x = typeof y === 'function'"),
        ("x = true", "x = false"),
        ("x = 10", "x = 11"),
        ("x = `a-${b}`", "x = `a${b}`"),
        ("for (const k in o) f(k)", "for (const k of o) f(k)"),
        ("switch (a) { case 1: b()\n case 2: c() }", "switch (a) { case 1: b()\nbreak\n case 2: c() }"),
        ("for (;;) { if (a) break }", "for (;;) { if (a) continue }"),
        ("function f(a) { g(a) }", "function f(a) { return g(a) }"),
        ("function f(a) { return a.b }", "function f(a) { return a?.b }"),
        ("function f(a) { return b }", "function f(a = {}) { return b }"),
        ("function f(a, b) { return a }", "function f(a, b) { return b }"),
        ("async function f() { g() }", "async function f() { await g() }"),
        ("function f(a) { b() }", "function f(a) { if (!a) return a\nb() }"),
        ("function f(a) { return a || 1 }", "function f(a) { return a ?? 1 }"),
        ("f(a); g(b)", "g(b) f(a);"),
        ("if (a) { b() } else { c() }", "if (a) { c() } else { b() }"),
        ("if (a) { b() } if (c) { d() }", "if (a) { b() } else if (c) { d() }"),
    ],
)
def test_each_kind_of_edit(wrong: str, right: str) -> None:
    made = {" ".join(each.split()) for each in mends(wrong)}
    assert " ".join(right.split()) in made


def test_a_comparison_is_no_part_of_a_negation() -> None:
    made = mends("function f(a, b) { if (!a.b || !b) { return !!a.b } }")
    assert not [text for text in made if re.search(r"!(?:typeof )?[\w.]+ (?:[!=]==?|[<>]=?) ", text)]


def test_no_edit_makes_both_sides_the_same(tmp_path: Path) -> None:
    text = "function f(a, b) {\n  return (a ? 1 : 2) + (a < b ? b - a : g(a, 1))\n}\n"
    made = {each.apply(text.encode()).decode() for each in candidates(text, tmp_path)}
    assert text.replace("? 1 : 2", "? 1 : 3") in made
    assert not {text.replace("? 1 : 2", "? 2 : 2"), text.replace("? 1 : 2", "? 1 : 1")} & made
    assert not [each for each in made if "a < a" in each or "b - b" in each or "b < b" in each]


def test_types_are_read_and_left_alone() -> None:
    made = mends("function f(a: number, b: string): boolean { return a < 3 }", path="a.ts")
    assert "function f(a: number, b: string): boolean { return a <= 3 }" in made
    assert all("(a: number, b: string): boolean" in each or " = " in each for each in made)


def test_no_edit_swallows_an_error() -> None:
    made = mends("function f(a) { return JSON.parse(a) }", JsClues(throws=True))
    assert made
    assert not any("catch" in each for each in made)


def test_what_an_error_names_is_used() -> None:
    constant = "const x = 1\nx = 2"
    assert not any(each.startswith("let") for each in mends(constant))
    clues = JsClues(output="TypeError: Assignment to constant variable.")
    assert any(each.startswith("let x") for each in mends(constant, clues))


def write_v8(folder: Path, path: Path, *ranges: tuple[int, int, int]) -> None:
    """Coverage as Node writes it, of one function."""
    folder.mkdir(exist_ok=True)
    told = [{"startOffset": a, "endOffset": b, "count": count} for a, b, count in ranges]
    script = {"url": f"file://{path}", "functions": [{"functionName": "", "ranges": told}]}
    (folder / f"coverage-{len(list(folder.iterdir()))}.json").write_text(json.dumps({"result": [script]}))


TEXT = "const f = (a) => {\n  if (a === '\N{PARTY POPPER}') {\n    return 1\n  }\n  return 2\n}\n"


def test_what_only_failing_tests_run_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    path.write_text(TEXT, "utf-8")
    units = len(TEXT.encode("utf-16-le")) // 2  # what V8 counts in
    inner = TEXT.encode("utf-16-le").index("return 1".encode("utf-16-le")) // 2
    write_v8(tmp_path / "fail", path, (0, units, 1))
    write_v8(tmp_path / "all", path, (0, units, 9), (inner, inner + 10, 1))
    write_v8(tmp_path / "all", tmp_path / "gone.js", (0, 5, 1))
    (tmp_path / "compiled.js").write_text("let x: number = 1")
    write_v8(tmp_path / "all", tmp_path / "compiled.js", (0, 9, 1))
    failing, everything = read_counts(tmp_path / "fail", tmp_path), read_counts(tmp_path / "all", tmp_path)
    assert list(everything) == ["a.js"]
    (one,) = localise(tmp_path, Spectrum(failing=failing, everything=everything, told_apart=True), "", "", [])
    returns = [node for node in one.source.nodes if node.type == "return_statement"]
    assert one.rate(returns[0]) > one.rate(returns[1])
    assert (one.passing(returns[0]), one.passing(returns[1])) == (0, 8)


def test_jests_coverage_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    path.write_text("a()\nb()\n")
    place = {"start": {"line": 2, "column": 0}, "end": {"line": 2, "column": 3}}
    told = {str(path): {"path": str(path), "statementMap": {"0": place}, "s": {"0": 4}}}
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "coverage-final.json").write_text(json.dumps(told))
    assert list(read_counts(tmp_path / "c", tmp_path)["a.js"])[:7] == [0, 0, 0, 0, 4, 4, 4]


def test_places_that_a_stack_names(tmp_path: Path) -> None:
    for name in ("a.js", "b.js"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "test").mkdir()
    output = f"    at f (file://{tmp_path}/a.js:3:7)\n    at g (b.js:1:1)\n    at {tmp_path}/test/x.js:9:9\n"
    assert find_frames(output, tmp_path) == {"a.js": [(3, 0.8)], "b.js": [(1, 0.4)]}


def test_the_statement_that_fails_is_found(tmp_path: Path) -> None:
    text = "const a = load()\ntest('x', () => {\n  const b = f(a)\n  ok(1)\n  equal(\n    b, 3)\n})\n"
    (tmp_path / "x.test.js").write_text(text)
    files = [str(tmp_path / "x.test.js")]
    output = f"    at g ({tmp_path}/a.js:1:1)\n    at t (file://{tmp_path}/x.test.js:5:3)\n"
    assert find_failing_line(output, tmp_path, files) == ("x.test.js", 5)
    source = SourceFile(path="x.test.js", data=text.encode())
    begin, end = find_span(source, 5) or (0, 0)
    assert text[begin:end] == "const b = f(a)\n  ok(1)\n  equal(\n    b, 3)"


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("index.js", True), ("src/a.mts", True), ("lib/a.tsx", True), ("latest.js", True),
        ("a.d.ts", False), ("test/a.js", False), ("src/a.test.ts", False), ("__tests__/a.js", False),
        ("node_modules/a/b.js", False), ("test.js", False), ("a.min.js", False),
    ],
)  # fmt: skip
def test_what_a_mend_may_change(path: str, ours: bool) -> None:
    assert is_source(path) is ours


def candidates(text: str, tmp_path: Path, clues: JsClues | None = None) -> list[JsCandidate]:
    (tmp_path / "a.js").write_text(text)
    suspicions = localise(tmp_path, Spectrum(), "", "", ["a.js"])
    return propose(suspicions, clues or JsClues(), 10.0)


def test_candidates_differ_and_the_likeliest_are_first(tmp_path: Path) -> None:
    found = candidates("function f(a, b) {\n  return a < b\n}\n", tmp_path)
    made = [each.apply((tmp_path / "a.js").read_bytes()) for each in found]
    assert len(made) == len(set(made))
    assert made.index(b"function f(a, b) {\n  return a <= b\n}\n") < 5


def test_the_end_of_a_long_function_is_looked_at_too(tmp_path: Path) -> None:
    lines = [f"  if (a{n} && b{n % 7} < {n}) c{n}(a{n}, b{n % 5}, 'x{n}')\n" for n in range(150)]
    text = f"function f(a, b) {{\n{''.join(lines)}}}\n"
    found = candidates(text, tmp_path)
    last = text.replace("a149 && b2", "a149 || b2").encode()
    assert any(each.apply(text.encode()) == last for each in found)


def test_a_template_that_did_not_fit_leaves_room_for_others(tmp_path: Path) -> None:
    found = candidates("function f(a, b) {\n  return a < b && b < a && g(a, b, 1, 2)\n}\n", tmp_path)
    first = [each.edit.template for each in found[:40]]
    assert len(set(first)) > 5
    assert [each.score for each in found] != sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize(
    "deep",
    [
        f"const x = a{' + a' * 1200}",
        f"if (a) b(){' else if (a) b()' * 600}",
        f"{'if (a) {' * 1200}b(){'}' * 1200}",
        f"x = {'[' * 1200}{']' * 1200}",
        f"x = {'a => ' * 1200}b",
    ],
)
def test_code_that_is_nested_deeply(tmp_path: Path, deep: str) -> None:
    source = SourceFile(
        path="a.js", data=f"function f(a, b) {{\n  {deep}\n  return g(a, b, x < 3)\n}}".encode()
    )
    outer = [*source.nodes[:12], *source.nodes[-12:]]
    for node in outer:
        for make in TEMPLATES:
            next(iter(make(source, node, JsClues())), None)
        source.list_unused(node)
        assert source.find_statement(node) is not None and not source.is_condition(source.nodes[0])


def test_a_template_that_fails_costs_no_more_than_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: SourceFile, node: Any, _: JsClues) -> Any:
        yield JsEdit(start=0, end=0, new=";", template="text", weight=1.0)
        raise RecursionError

    monkeypatch.setattr(proposing, "TEMPLATES", (fail, *TEMPLATES))
    said: list[str] = []
    text = "function f(a, b) {\n  return a < b\n}\n"
    (tmp_path / "a.js").write_text(text)
    found = propose(localise(tmp_path, Spectrum(), "", "", ["a.js"]), JsClues(), 10.0, said.append)
    made = {each.apply(text.encode()).decode() for each in found}
    assert {f";{text}", text.replace("<", "<=")} <= made
    assert said == ["fail fails at a.js:1: RecursionError"]


def test_clues_come_from_the_failing_test_alone(tmp_path: Path) -> None:
    (tmp_path / "a.test.js").write_text(
        "test('one', () => { equal(f('left', 7), 12) })\ntest('two', () => { throws(() => g('right')) })\n"
    )
    clues = gather_clues(tmp_path, [str(tmp_path / "a.test.js")], ["a.test.js > one"], "")
    assert clues.strings == ("one", "left")
    assert clues.numbers == ("7", "12")
    assert "f" in clues.words and "g" not in clues.words
    assert not clues.throws


@pytest.mark.parametrize(
    ("start", "end", "new", "old_lines", "new_lines"),
    [
        (8, 9, "X", "  b\n  c\n", "  b\n  X\n"),  # its line alone would be found twice
        (0, 1, "Z", "a\n", "Z\n"),
    ],
)
def test_an_edit_is_whole_lines_that_stand_once(
    start: int, end: int, new: str, old_lines: str, new_lines: str
) -> None:
    source = SourceFile(path="a.js", data=b"a\n  b\n  c\nd\n  c\n")
    edit = JsEdit(start=start, end=end, new=new, template="variable", weight=1.0)
    one = make_edit(source, JsCandidate(path="a.js", line=1, function="", score=1, edit=edit, passing=None))
    assert source.data.decode().count(one["old"]) == 1
    assert old_lines in one["old"] and new_lines in one["new"]
    assert (
        source.data.decode().replace(one["old"], one["new"])
        == (source.data[:start] + new.encode() + source.data[end:]).decode()
    )


def run(**given: Any) -> NodeRun:
    return NodeRun(**{"code": 0, "hung": False, "seconds": 0.1, "output": ""} | given)


def test_the_exit_code_stands_for_tests_that_nothing_reports() -> None:
    assert list_outcomes(run(code=1)) == {EXIT: "failed"}
    assert list_outcomes(run()) == {EXIT: "passed"}
    assert list_outcomes(run(code=1, tests={"a": "passed"})) == {"a": "passed", EXIT: "failed"}
    assert list_outcomes(run(code=1, tests={"a": "failed"})) == {"a": "failed"}
    assert list_outcomes(run(hung=True))[EXIT] == "failed"


def test_tap_is_read_by_its_comments() -> None:
    text = "TAP version 13\n# add\nok 1 one\nnot ok 2 two\n# sub\nok 3 three\n\n1..3\n# tests 3\n# fail  1\n"
    assert read_tap(text) == {"add": "failed", "sub": "passed"}
    assert read_tap("ok 1 one") == {}
    assert read_tap("TAP version 13\n# add\nok 1 one\n# sub\nError: x\n") == {
        "add": "passed",
        "sub": "failed",
    }


def test_names_of_tests_become_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a.test.js").write_text("")
    assert split_name("a.test.js > Fraction > floor(0.4)", tmp_path) == ["Fraction", "floor(0.4)"]
    assert split_name("outer > inner (2)", tmp_path) == ["outer", "inner"]
    pattern = make_pattern(["a.test.js > Fraction > floor(0.4)"], tmp_path)
    assert pattern == r"^(?:Fraction(?: > | )floor\(0\.4\)$)"
    assert make_pattern([], tmp_path) == ""


@pytest.mark.parametrize(
    ("scope", "text", "asked"),
    [
        ("all", "the tests fail", ["t.js > adds numbers", "t.js > trims names"]),
        ("all", "please fix `trims names`", ["t.js > trims names"]),
        ("named", "add German plurals", []),
        ("report", "names keep their trailing space after trimming", ["t.js > trims names"]),
        ("report", "`sum` is wrong for 2 and 3", ["t.js > adds numbers"]),
        ("symbols", "support for emoji in names, errors today", []),
    ],
)
def test_which_failing_tests_are_meant(tmp_path: Path, scope: str, text: str, asked: list[str]) -> None:
    (tmp_path / "t.js").write_text("test('adds numbers', () => equal(sum(2, 3), 5))\n" + "\n" * 1500)
    names = ["t.js > adds numbers", "t.js > trims names"]
    assert choose_asked(names, JsRequest(text=text, scope=scope), "", tmp_path) == asked


@pytest.mark.parametrize(
    ("source", "start", "end", "new", "template", "turn"),
    [
        ("a === b", 2, 3, "!", "comparison", "turns a comparison round"),
        ("a === b", 4, 5, "", "comparison", ""),
        ("a < b", 3, 3, "=", "comparison", ""),
        ("a < b", 2, 3, ">", "comparison", "turns a comparison round"),
        ("a && b", 2, 4, "||", "boolean-operator", "joins conditions the other way"),
        ("a || b", 2, 4, "??", "boolean-operator", ""),
        ("a", 0, 0, "!", "negation", "turns a condition round"),
        ("a()", 0, 3, "", "removed-statement", "leaves a statement out"),
        ("a - b", 2, 3, "+", "arithmetic", ""),
        ("if (!f(a)) b()", 7, 8, "c", "variable", "has a condition look at something else"),
        ("if (a) f(b)", 9, 10, "c", "variable", ""),
    ],
)
def test_in_a_mature_suite_one_failing_test_turns_no_condition_round(
    source: str, start: int, end: int, new: str, template: str, turn: str
) -> None:
    edit = JsEdit(start=start, end=end, new=new, template=template, weight=1.0)
    one = JsCandidate(path="a.js", line=1, function="f", score=1.0, edit=edit, passing=None)
    assert describe_turn(one, source.encode()) == turn
    for passed, asked, doubted in ((MATURE, 2, True), (MATURE, 3, False), (MATURE - 1, 1, False)):
        ends = {f"passes {n}": "passed" for n in range(passed)} | {"fails": "failed"}
        base = JsBaseline(
            everything=ends, asked=["fails"] * asked, seconds=1.0, part_seconds=1.0, all_seconds=1.0
        )
        alone = JsComparison(ranked=(one,), likely=(1.0,))
        assert bool(find_doubt(alone, source.encode(), base)) == (doubted and bool(turn))


def test_the_same_comparison_the_other_way_round_is_no_rival(tmp_path: Path) -> None:
    text = "function f(x, high) {\n  if (x < high) return high\n  return x\n}\n"
    found = candidates(text, tmp_path)
    source = SourceFile(path="a.js", data=text.encode())
    by_text = {each.apply(text.encode()).decode(): each for each in found}
    turned, same, other = (
        by_text[text.replace("x < high", new)] for new in ("x > high", "high < x", "x <= high")
    )
    told = report_doubts(JsComparison(ranked=(turned, same), likely=(1.0, 0.9)), {"a.js": source})
    assert (told["others"], told.get("rival")) == (0, None)
    told = report_doubts(JsComparison(ranked=(turned, same, other), likely=(1.0, 0.9, 0.1)), {"a.js": source})
    assert (told["others"], told["rival"]["after"]) == (1, "  if (x <= high) return high\n")
