"""Changes of JavaScript that pass, compared by what they give: recording calls, weighing, the claim."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.guest.mend_js.candidates import JsCandidate
from bot.guest.mend_js.choice.observe import NO_END, Observation, add_recorders, read_log
from bot.guest.mend_js.choice.verdict import MATURE, find_doubt
from bot.guest.mend_js.choice.weigh import JsComparison
from bot.guest.mend_js.node_run import WATCH
from bot.guest.mend_js.report import report_doubts
from bot.guest.mend_js.search import HANGS, JsBaseline, put_off
from bot.guest.mend_js.syntax.source import SourceFile
from bot.guest.mend_js.templates.edit import JsEdit
from tests.unit.offline.test_mend_js_run import search

PATHS = {"PATH": "/usr/bin:/usr/local/bin"}
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def observe(folder: Path, source: str, use: str, *, made: bool = True, module: bool = False) -> Observation:
    """What a program's calls of a file give, and with ``made`` calls near those."""
    name, ending = ("a.mjs", "mjs") if module else ("a.js", "js")
    text = add_recorders(SourceFile(path=name, data=source.encode()))
    (folder / name).write_bytes(text)
    (folder / f"use.{ending}").write_text(use)
    log = folder / "log"
    log.unlink(missing_ok=True)
    env = {"HOB_MEND_SEEN": str(log), "HOB_MEND_MADE": "late" if made else ""}
    subprocess.run(
        ("node", f"--require={WATCH}", f"use.{ending}"), cwd=folder, check=False, timeout=60,
        env=PATHS | env,
    )  # fmt: skip
    return read_log(log)


@needs_node
def test_what_is_called_from_outside_is_recorded_with_what_it_gives(tmp_path: Path) -> None:
    source = """
class Box {
  constructor(size) { this.size = size }
  get twice() { return double(this.size) }
  grow(by) { this.size += by; return this }
}
const double = n => n * 2
function sum(...all) { return all.reduce((one, other) => one + other, 0) }
function last() { return arguments[arguments.length - 1] }
async function wait(n) { if (n < 0) throw new RangeError('no'); return n }
function* count(n) { yield n }
module.exports = { Box, double, sum, last, wait, count }
"""
    use = """
const { Box, double, sum, last, wait, count } = require('./a.js')
new Box(3).grow(2).twice
double(4); double(4); sum(1, 2, 3); last('a', [1], { b: null })
wait(1); wait(-1).catch(() => {}); [...count(2)]
"""
    seen = observe(tmp_path, source, use).seen
    assert seen["grow(2) of Box {size: 3}"].startswith("Box {size: 5} and leaves (2) of Box {size: 5}")
    assert seen["twice() of Box {size: 5}"] == "10"
    assert (seen["double(4)"], seen["double(4) #2"], seen["sum(1, 2, 3)"]) == ("8", "8", "6")
    assert seen['last("a", [1], {b: null})'] == "{b: null}"
    assert (seen["await wait(1)"], seen["await wait(-1)"]) == ("1", 'raises RangeError: "no"')
    assert not any(call.startswith("count") for call in seen)


@needs_node
def test_calls_near_those_that_are_seen_are_made(tmp_path: Path) -> None:
    source = "exports.pad = (text, size) => text.length > size ? text : text + ' '\n"
    made = observe(tmp_path, source, "require('./a.js').pad('abc', 3)").made
    assert made['pad("abc", 2)'] == '"abc"'
    assert made['pad("abc", 4)'] == '"abc "'
    assert made['pad("ABC", 3)'] == '"ABC "'
    assert not observe(tmp_path, source, "require('./a.js').pad('abc', 3)", made=False).made


@needs_node
def test_a_made_up_call_reaches_no_file_and_may_be_without_end(tmp_path: Path) -> None:
    source = (
        "const fs = require('fs')\n"
        "exports.drop = (path) => { if (fs.existsSync(path)) fs.rmSync(path, { recursive: true }) }\n"
    )
    (tmp_path / "ab").mkdir()
    made = observe(tmp_path, source, "require('./a.js').drop('abb')").made
    assert made['drop("ab")'] == "raises Error"
    assert (tmp_path / "ab").is_dir()
    log = tmp_path / "log"
    log.write_text('{"begins": "f(0)"}\n{"call": "f(1)", "gives": "1"}\nbroken\n')
    assert read_log(log) == Observation(seen={"f(1)": "1"}, made={"f(0)": NO_END})


@needs_node
def test_modules_are_recorded_as_well(tmp_path: Path) -> None:
    source = "export default function half(n) { return n / 2 }\nexport const twice = async n => n * 2\n"
    use = "import half, { twice } from './a.mjs'\nhalf(4); await twice(3)\n"
    seen = observe(tmp_path, source, use, module=True).seen
    assert (seen["half(4)"], seen["await twice(3)"]) == ("2", "6")


@needs_node
@pytest.mark.parametrize(
    "source",
    [
        "const f = a => b => c => a + b + c\nconsole.log(f(1)(2)(3))",
        "const f = (a, b = () => a) => ({ a, b: b() })\nconsole.log(f(1))",
        "const f = ({ a }, [b] = [2]) => { return a + b }\nconsole.log(f({ a: 1 }))",
        "class A { m() { return 1 } }\nclass B extends A { m() { return super.m() + 1 } }\n"
        "console.log(new B().m())",
        "function P(x) { if (!(this instanceof P)) return new P(x); this.x = x }\n"
        "console.log(P(1).x, new P(2).x)",
        "function T() { return new.target === T }\nconsole.log(T(), typeof new T())",
        "function E(a) { if (!new.target) return new E(a); this.a = a }\nconsole.log(E(1).a, new E(2).a)",
        "const o = { get a() { return this.b }, set a(v) { this.b = v }, b: 1 }\no.a = 3\nconsole.log(o.a)",
        "console.log([3, 1].sort((a, b) => a - b).map((x) => { return x + 1 }).join())",
        "function f() { // said }\n  return arguments.length } console.log(f(1, 2), f.length, f.name)",
        "function none() {}\nconsole.log(none(1), (() => {})(), { m() {} }.m())",
        "#!/usr/bin/env node\n'use strict'\nconsole.log((function () { return this })() === undefined)",
        "(async () => { const f = async (n) => await n; console.log(await f(2)) })()",
        "console.log(h(2))\nfunction h(n) { return n < 2 ? n : h(n - 1) + h(n - 2) }",
    ],
)
def test_a_recorded_file_does_what_it_did(tmp_path: Path, source: str) -> None:
    said = []
    for number, text in enumerate(
        (source.encode(), add_recorders(SourceFile(path="a.js", data=source.encode())))
    ):
        (tmp_path / f"{number}.js").write_bytes(text)
        env = PATHS | {"HOB_MEND_SEEN": str(tmp_path / "log")}
        done = subprocess.run(
            ("node", f"{number}.js"),
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said.append((done.returncode, done.stdout))
    assert said[0] == said[1]
    assert said[0][1].strip()


def make_change(template: str = "variable", score: float = 1.0, start: int = 0) -> JsCandidate:
    edit = JsEdit(start=start, end=start + 1, new="b", template=template, weight=1.0)
    return JsCandidate(path="a.js", line=1, function="f", score=score, edit=edit, passing=None)


def make_base(passed: int, asked: int) -> JsBaseline:
    ends = {f"passes {n}": "passed" for n in range(passed)} | {"fails": "failed"}
    return JsBaseline(
        everything=ends, asked=["fails"] * asked, seconds=1.0, part_seconds=1.0, all_seconds=1.0
    )


def compare(likely: float, gives: str, *, before: str = "1") -> JsComparison:
    return JsComparison(
        ranked=(make_change(), make_change(start=2)), likely=(1.0, likely),
        seen=(
            Observation(seen={"f(1)": "1", "f(2)": "2"}, made={"f(3)": "3"}),
            Observation(seen={"f(1)": "1", "f(2)": "2"}, made={"f(3)": gives}),
        ),
        base=Observation(seen={"f(1)": before, "f(2)": "0"}), asked=frozenset(("f(2)",)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("likely", "gives", "passed", "asked", "claimed"),
    [
        (0.9, "3", 10, 5, True),  # it does the same
        (0.9, "4", 10, 5, False),
        (0.1, "4", 10, 5, True),  # it is much less likely
        (0.3, "4", 10, 5, True),
        (0.3, "4", MATURE, 1, False),  # few tests show the fault
    ],
)
def test_a_rival_that_does_something_else_and_is_near_forbids_a_claim(
    likely: float, gives: str, passed: int, asked: int, claimed: bool
) -> None:
    why = find_doubt(compare(likely, gives), b"ax", make_base(passed, asked))
    assert (not why) == claimed
    if why:
        assert why == (
            "I found 2 edits that pass and cannot tell which is meant: "
            "`f(3)` gives `3` with one and `4` with the other"
        )


def test_how_far_two_differ_is_told_by_the_calls_that_one_of_them_changes() -> None:
    made = {f"f({n})": "1" for n in range(200)}
    mine = made | {f"f({n})": "2" for n in range(12)}
    for changed, share in ((6, 0.5), (1, 1 / 12)):
        its = mine | {f"f({n})": "3" for n in range(changed)}
        compared = JsComparison(
            ranked=(make_change(), make_change(start=2)), likely=(1.0, 0.9),
            seen=(Observation(made=mine), Observation(made=its)), base=Observation(made=made),
        )  # fmt: skip
        assert [each.share for each in compared.find_rivals()] == [share]
        assert bool(find_doubt(compared, b"ax", make_base(10, 5))) == (changed == 6)


def test_a_rival_is_told_by_the_call_that_shows_it() -> None:
    source = SourceFile(path="a.js", data=b"ax")
    told = report_doubts(compare(0.1, "4"), {"a.js": source})
    assert (told["rival"]["call"], told["rival"]["this"], told["rival"]["other"]) == ("f(3)", "3", "4")
    told = report_doubts(compare(0.1, "3"), {"a.js": source})
    assert (told["others"], told["calls"], told.get("rival")) == (1, 3, None)


FILES = {
    "index.js": (
        "exports.clamp = (n, low, high) => {\n  if (n < high) return high\n  return n < low ? low : n\n}\n"
    ),
    "a.test.js": (
        "const test = require('node:test')\nconst assert = require('assert')\n"
        "const { clamp } = require('./index.js')\n"
        "test('in between', () => assert.equal(clamp(5, 1, 9), 5))\n"
        "test('low', () => assert.equal(clamp(0, 1, 9), 1))\n"
        "test('high', () => assert.equal(clamp(12, 1, 9), 9))\n"
    ),
}


@needs_node
@pytest.mark.timeout(250)
def test_one_that_differs_in_odd_places_alone_is_claimed_and_told(tmp_path: Path) -> None:
    told = search(tmp_path, "node --test a.test.js", files=FILES)
    assert told["outcome"] == "mended", told
    assert told["edits"][0]["after"] == "  if (n > high) return high\n"
    assert told["rival"]["after"] == "  if (n >= high) return high\n"
    assert told["rival"]["call"].startswith("clamp("), told["rival"]


@needs_node
@pytest.mark.timeout(250)
def test_two_that_differ_are_named_and_neither_is_claimed(tmp_path: Path) -> None:
    files = {
        "index.js": "exports.whole = (n) => Math.floor(n)\n",
        "a.test.js": (
            "const test = require('node:test')\nconst assert = require('assert')\n"
            "const { whole } = require('./index.js')\n"
            "test('two and a half', () => assert.equal(whole(2.5), 3))\n"
        ),
    }
    told = search(tmp_path, "node --test a.test.js", files=files)
    assert told["outcome"] == "not_found", told
    assert re.match(
        r"I found \d edits that pass and cannot tell which is meant: `whole\(.+\)` gives `.+` with one and ",
        told["reason"],
    )
    assert told["unsure"]


@pytest.mark.parametrize(
    ("changed", "made", "asked", "why"),
    [
        (1, 240, 1, "of 240 calls near those of the tests, it changes 1"),
        (0, 240, 2, "of 240 calls near those of the tests, it changes none"),
        (12, 240, 1, ""),
        (1, 240, 3, ""),  # three tests show that it is meant
        (0, 20, 1, ""),  # too few calls to tell
    ],
)
def test_a_value_that_changes_the_failing_call_alone_only_fits_its_test(
    changed: int, made: int, asked: int, why: str
) -> None:
    before = {f"f({n})": "1" for n in range(made)}
    after = before | {f"f({n})": "2" for n in range(changed)}
    compared = JsComparison(
        ranked=(make_change("string"),),
        likely=(1.0,),
        seen=(Observation(seen={"f(9)": "2"}, made=after),),
        base=Observation(seen={"f(9)": "1"}, made=before),
    )
    said = find_doubt(compared, b"ax", make_base(MATURE, asked))
    assert bool(said) == bool(why)
    assert said.endswith(why)


def test_nothing_is_said_of_an_edit_whose_effect_is_not_seen() -> None:
    made = {f"f({n})": "1" for n in range(240)}
    one = Observation(seen={"f(9)": "1"}, made=made)
    compared = JsComparison(ranked=(make_change("string"),), likely=(1.0,), seen=(one,), base=one)
    assert not find_doubt(compared, b"ax", make_base(MATURE, 1))


def test_an_unlikely_edit_is_not_claimed_where_few_of_many_tests_fail() -> None:
    one = JsComparison(ranked=(make_change(score=0.04),), likely=(0.04,))
    assert find_doubt(one, b"ax", make_base(MATURE, 1)).endswith("seldom the fix, and few tests fail")
    assert not find_doubt(one, b"ax", make_base(MATURE, 3))


def test_what_no_passing_test_runs_may_be_turned_round() -> None:
    for passing, doubted in ((None, True), (7, True), (0, False)):
        change = replace(make_change("negation"), passing=passing)
        said = find_doubt(JsComparison(ranked=(change,), likely=(1.0,)), b"ax", make_base(MATURE, 1))
        assert bool(said) == doubted


def test_what_is_left_of_a_line_whose_tries_had_no_end_comes_last() -> None:
    one, two, other = (replace(make_change(start=at), line=line) for at, line in ((0, 1), (1, 1), (2, 2)))
    hangs = {("a.js", 1): HANGS - 1}
    found = put_off((one, two, other), hangs)
    assert next(found) is one
    hangs["a.js", 1] += 1
    assert list(found) == [other, two]
