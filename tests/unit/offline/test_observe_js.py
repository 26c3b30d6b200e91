"""Calls of JavaScript that are recorded and made up: they change nothing and stop no search."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bot.guest.mend_js import session
from bot.guest.mend_js.asked import JsRequest
from bot.guest.mend_js.choice import tree
from bot.guest.mend_js.choice.observe import (
    LOG_BYTES,
    NO_END,
    Observation,
    Observer,
    add_recorders,
    move_judge,
    read_log,
)
from bot.guest.mend_js.choice.tree import TreeTooLargeError, copy_tree, note_files
from bot.guest.mend_js.choice.verdict import find_doubt
from bot.guest.mend_js.choice.weigh import JsComparison
from bot.guest.mend_js.judge import Judge
from bot.guest.mend_js.node_run import Program
from bot.guest.mend_js.syntax.source import SourceFile
from tests.unit.offline.test_mend_js_run import search
from tests.unit.offline.test_weigh_js import (
    FILES,
    PATHS,
    compare,
    make_base,
    make_change,
    needs_node,
    observe,
)

TEST = "const test = require('node:test')\nconst assert = require('assert')\n"


def watch(folder: Path, files: dict[str, str], *, runner: str = "", seconds: float = 20.0) -> Observer:
    """An observer of index.js, whose tests are in a.test.js."""
    root, scratch = folder / "root", folder / "scratch"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    scratch.mkdir()
    judge = Judge(root=root, command="node a.test.js", scratch=scratch, runner=runner)
    source = SourceFile(path="index.js", data=(root / "index.js").read_bytes())
    return Observer(judge, [source], seconds)


@needs_node
@pytest.mark.parametrize(
    ("begin", "act"),
    [
        ("const { unlinkSync } = require('fs')", "unlinkSync(path)"),
        ("const { writeFileSync } = require('node:fs')", "writeFileSync(path, 'new')"),
        ("const { rm } = require('fs/promises')", "rm(path)"),
        ("const { promises } = require('fs')", "promises.writeFile(path, 'new')"),
        ("const { execSync } = require('child_process')", "execSync(`echo new > ${path}`)"),
        ("const { promisify } = require('util'), go = promisify(require('child_process').exec)",
         "go(`rm ${path}`)"),
        ("const { Worker } = require('worker_threads')",
         "new Worker(`require('fs').unlinkSync('${path}')`, { eval: true })"),
        ("const fs = require('fs')", "process.on('exit', () => fs.unlinkSync(path))"),
    ],
)  # fmt: skip
def test_a_made_up_call_reaches_no_file_however_it_got_at_the_function(
    tmp_path: Path, begin: str, act: str
) -> None:
    """Also outside of the copy of the tree, by an absolute path."""
    (tmp_path / "ab").write_text("old")
    source = f"{begin}\nexports.go = (path) => {{ if (path.endsWith('/ab')) {{ {act} }} return 1 }}\n"
    made = observe(tmp_path, source, f"require('./a.js').go('{tmp_path}/abb')").made
    assert f'go("{tmp_path}/ab")' in made
    assert (tmp_path / "ab").read_text() == "old"


@needs_node
def test_runs_are_in_a_copy_of_the_tree_that_is_gone_afterwards(tmp_path: Path) -> None:
    files = {
        "index.js": "exports.save = (path, n) => { require('fs').writeFileSync(path, `${n}`); return n }\n",
        "a.test.js": "require('./index.js').save('out.txt', 5)\nrequire('x')\n",
        "node_modules/x/index.js": "",
        "packages/one/node_modules/y/index.js": "",
    }
    observer = watch(tmp_path, files)
    found = observer.observe(None)
    assert found.seen == {'save("out.txt", 5)': "5"}
    assert found.made
    assert not (tmp_path / "root" / "out.txt").exists()
    assert not list((tmp_path / "scratch").iterdir())
    assert not observer.find_damage()


def test_a_copy_has_links_as_they_are_and_packages_as_links(tmp_path: Path) -> None:
    root, there = tmp_path / "root", tmp_path / "there"
    for name in ("a/b.js", ".git/config", "node_modules/x/x.js", "a/node_modules/y/y.js"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("a/b.js")
    os.mkfifo(root / "pipe")
    copy_tree(root, there)
    assert (there / "a" / "b.js").read_text() == "a/b.js"
    assert os.readlink(there / "link") == "a/b.js"  # noqa: PTH115
    assert os.readlink(there / "a" / "node_modules") == str(root / "a" / "node_modules")  # noqa: PTH115
    assert sorted(path.name for path in there.iterdir()) == ["a", "link", "node_modules"]


@needs_node
def test_in_a_tree_that_is_too_large_no_calls_are_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MOST_FILES", 1)
    with pytest.raises(TreeTooLargeError):
        copy_tree(Path(__file__).parent, tmp_path / "there")
    files = {"index.js": "exports.f = n => n\n", "a.test.js": "require('./index.js').f(1)\n", "b.js": ""}
    found = watch(tmp_path, files).observe(None)
    assert (found.seen, found.made) == ({"f(1)": "1"}, {})


@needs_node
@pytest.mark.timeout(250)
def test_nothing_is_reported_where_comparing_changed_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    scratch = tmp_path.parent / f"{tmp_path.name}-scratch"
    scratch.mkdir()
    run_all = Judge.run_all

    def spoil(judge: Judge, *given: object, seen: object = None, **more: object) -> object:
        if seen:
            (tmp_path / "new").write_text("")
        return run_all(judge, *given, seen=seen, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Judge, "run_all", spoil)
    monkeypatch.setattr(session, "RIVAL_SECONDS", 0.0)  # nothing is to be found after the first answer
    monkeypatch.setattr(session, "RIVAL_LEAST", 0.0)
    request = JsRequest(text="", scope="all")
    told = session.mend(tmp_path, "node --test a.test.js", request, 30.0, scratch, lambda _: None)
    assert told["outcome"] == "not_found"
    assert "`new` changed in the working folder" in told["reason"]
    assert "edits" not in told and "unsure" not in told


def test_what_is_different_afterwards_is_found(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    (tmp_path / "node_modules").mkdir()
    before = note_files(tmp_path)
    (tmp_path / "node_modules" / "c").write_text("")
    assert note_files(tmp_path) == before
    (tmp_path / "a").chmod(0o755)
    (tmp_path / "b").unlink()
    after = note_files(tmp_path)
    assert set(before) == {"a", "b"} and set(after) == {"a"} and after["a"] != before["a"]


@needs_node
def test_neither_asynchronous_functions_nor_generators_are_called_again(tmp_path: Path) -> None:
    source = (
        "exports.wait = async (n) => n\nexports.count = function* (n) { yield n }\n"
        "exports.later = (n) => Promise.resolve(n)\n"
    )
    use = "const { wait, count, later } = require('./a.js'); wait(1); [...count(1)]; later(1)"
    found = observe(tmp_path, source, use)
    assert found.seen == {"wait(1)": "[promise]", "await wait(1)": "1", "later(1)": "[promise]",
                          "await later(1)": "1"}  # fmt: skip
    assert found.made == {"later(2)": "[promise]"}  # and no more after it


@needs_node
def test_between_tests_of_a_runner_whose_end_is_not_heard_no_calls_are_made_up(tmp_path: Path) -> None:
    files = {"index.js": "exports.f = n => n\n", "a.test.js": "require('./index.js').f(1)\n"}
    found = watch(tmp_path, files, runner="jest").observe(None)
    assert (found.seen, found.made) == ({"f(1)": "1"}, {})


@needs_node
def test_after_a_made_up_call_without_end_the_calls_of_tests_are_there(tmp_path: Path) -> None:
    files = {
        "index.js": "exports.down = (n) => {\n  while (n !== 0) n -= 1\n  return 0\n}\n",
        "a.test.js": "require('./index.js').down(3)\n",
    }
    observer = watch(tmp_path, files, seconds=3.0)
    assert observer.observe(None) == Observation(seen={"down(3)": "0"})
    assert observer.hung and observer.lost >= 3.0


@pytest.mark.parametrize(
    ("likely", "hung", "rival", "why"),
    [
        (0.9, True, {"f(1)": "1"}, "compare what they give, as a call near those of the tests had no end"),
        (0.9, False, {"f(1)": "1"}, ""),
        (0.9, False, {}, "could not compare what they give, so"),
        (0.1, False, {}, ""),  # it is much less likely
    ],
)  # fmt: skip
def test_no_claim_where_a_near_rival_could_not_be_compared(
    likely: float, hung: bool, rival: dict[str, str], why: str
) -> None:
    compared = JsComparison(
        ranked=(make_change(), make_change(start=2)),
        likely=(1.0, likely),
        seen=(Observation(seen={"f(1)": "1"}), Observation(seen=rival)),
        hung=hung,
    )
    said = find_doubt(compared, b"ax", make_base(10, 5))
    assert why in said and bool(said) == bool(why)


def test_a_log_is_read_line_by_line_and_what_is_odd_in_it_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"call": "f(\\"a\u2028b\\")", "gives": "3"}\n1\n[1]\nnull\n{"call": 1, "gives": "1"}\nbroken\n'
        '{"begins": "f(0)"}\n{"begins": "f(1)"}\n{"made": "f(1)", "gives": "\x85"}\n',
        "utf-8",
    )
    assert read_log(log) == Observation(seen={'f("a\u2028b")': "3"}, made={"f(0)": NO_END, "f(1)": "\x85"})
    log.write_text("[" * 100_000)
    assert read_log(log) == Observation()


def test_what_is_no_plain_file_of_bounded_size_is_not_read(tmp_path: Path) -> None:
    assert read_log(tmp_path / "missing") == Observation()
    os.mkfifo(tmp_path / "pipe")
    assert read_log(tmp_path / "pipe") == Observation()
    (tmp_path / "log").write_text('{"call": "f(1)", "gives": "1"}\n')
    (tmp_path / "link").symlink_to("log")
    assert read_log(tmp_path / "link") == Observation()
    with (tmp_path / "log").open("ab") as file:
        file.truncate(LOG_BYTES + 1)
    assert read_log(tmp_path / "log") == Observation()


@needs_node
@pytest.mark.timeout(250)
def test_a_part_of_a_sign_in_an_error_is_reported(tmp_path: Path) -> None:
    files = {
        "index.js": (
            "exports.f = (s, n, high) => {\n"
            "  if (n < high) throw new Error('bad sign ' + s[0] + ' ' + n)\n  return n\n}\n"
        ),
        "a.test.js": (
            f"{TEST}const {{ f }} = require('./index.js')\n"
            "test('over', () => assert.throws(() => f('😀', 12, 9)))\n"
            "test('under', () => assert.equal(f('😀', 3, 9), 3))\n"
            "test('any', () => { try { f('😀', 9, 9) } catch (e) {} })\n"
        ),
    }
    told = search(tmp_path, "node --test a.test.js", files=files)
    assert told["outcome"] == "mended", told
    assert told["rival"]["other"] == 'raises Error: "bad sign \\ud83d 9"'


def test_a_value_with_signs_of_markdown_stays_in_its_code_span() -> None:
    told = find_doubt(compare(0.9, "a ` b\n\n# c"), b"ax", make_base(10, 5))
    assert told.endswith("`f(3)` gives `3` with one and ``a ` b  # c`` with the other")


@pytest.mark.parametrize(
    "source",
    [
        "let c = 0; function next(id = c++) { return id }\nconsole.log(next(), next())",
        "function f([a, b]) { return a + b }\nfunction* g() { yield 1; yield 2 }\nconsole.log(f(g()))",
        "console.log(((a, b) => a).length, ((a, ...b) => a).length, (a => a).length)",
        "function f() { 'use strict'; return this === undefined }\nconsole.log(f())",
        "function hobSee() { return 5 }\nfunction g() { return hobSee() }\nconsole.log(g())",
        "function f(n) { return n ? 1 + f(n - 1) : 0 }\nconsole.log(f(7000))",
        "const f = (n) => n ? 1 + f(n - 1) : 0\nconsole.log(f(7000), f.name, f.length)",
        "const f = n => { if (!n) return { a: 1 }\nreturn f(n - 1) } // f(2)\nconsole.log(f(7000))",
        "function f(n) { return n } // said\nconst g = (n) => { return n } // }\nconsole.log(f(1), g(2))",
        "const f = async n => n ? f(n - 1) : n, g = 1\nf(3).then(console.log)",
        "function f(n) { return f.own || (f.own = n) }\nconsole.log(f(1), f.own, f(2))",
    ],
)
@pytest.mark.parametrize("told", [True, False])
@needs_node
def test_a_recorded_file_does_what_it_did_in_odd_places_too(tmp_path: Path, source: str, told: bool) -> None:
    """Without a log it does so as well."""
    said = []
    env = PATHS | ({"HOB_MEND_SEEN": str(tmp_path / "log")} if told else {})
    for number, text in enumerate(
        (source.encode(), add_recorders(SourceFile(path="a.js", data=source.encode())))
    ):
        (tmp_path / f"{number}.js").write_bytes(text)
        done = subprocess.run(
            ("node", f"{number}.js"), cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        said.append((done.returncode, done.stdout))
    assert said[0] == said[1]
    assert said[0][0] == 0


@needs_node
def test_a_function_with_types_is_recorded(tmp_path: Path) -> None:
    source = SourceFile(path="a.ts", data=b"export const f = (a: number, b?: string): number => a\n")
    assert b'hobSee("f", undefined, [hobGiven0, hobGiven1], (a: number, b?: string) => a)' in add_recorders(
        source
    )


@needs_node
def test_made_up_calls_that_always_raise_tell_nothing(tmp_path: Path) -> None:
    """A copy of an object has no private fields, so each call on one raises."""
    told = []
    for factor in (10, 20):
        many = "".join(f"m{at}(n) {{ return n + {at} + this.#base }}\n" for at in range(20))
        source = (
            f"class Till {{\n#base = 0\n{many}vat(n) {{ return n * {factor} + this.#base }}\n}}\n"
            "module.exports = { Till }\n"
        )
        calls = "".join(f"till.m{at}(5);" for at in range(20))
        use = f"const till = new (require('./a.js').Till)(); {calls} till.vat(5)"
        told.append(observe(tmp_path, source, use))
    base, after = told
    assert len(after.made) > 100
    compared = JsComparison(ranked=(make_change("number"),), likely=(1.0,), seen=(after,), base=base)
    assert compared.count_changed() == (0, 0)
    assert compared.count_calls() == len(after.seen)
    assert not find_doubt(compared, b"ax", make_base(10, 1))


@needs_node
def test_of_large_values_a_part_is_shown(tmp_path: Path) -> None:
    source = "exports.f = (b) => b\n"
    use = (
        "const { f } = require('./a.js'); f(Buffer.alloc(5e6)); f(new Map(Array.from({ length: 1e5 }, "
        "(_, at) => [at, at]))); f(Array.from({ length: 1e6 }, () => 1)); f(new DataView(new ArrayBuffer(9)))"
    )
    found = observe(tmp_path, source, use)
    assert len(found.seen) == 4 and not found.made  # they are too large to be copied
    for call, end in (("f(Buffer[0, 0", ", … 5000000])"), ("f(Map{0 => 0", "…)"),
                      ("f([1, 1", ", … 1000000])")):  # fmt: skip
        assert any(each.startswith(call) and each.endswith(end) for each in found.seen), list(found.seen)


def test_the_commands_are_those_of_the_copy(tmp_path: Path) -> None:
    program = Program(pid=1, parent=0, argv=("node", "/r/a/x.js", "/r/ab"), options=("--import=file:///r/a/y",),
                      cwd="/r/a", code=1)  # fmt: skip
    judge = Judge(
        root=Path("/r/a"), command="node /r/a/x.js", scratch=tmp_path, program=program, files=["/r/a/t.js"]
    )
    moved = move_judge(judge, Path("/new"))
    assert moved.program is not None
    assert moved.program.argv == ("node", "/new/x.js", "/r/ab")
    assert moved.program.options == ("--import=file:///new/y",)
    assert (moved.root, moved.program.cwd, moved.files) == (Path("/new"), "/new", ["/new/t.js"])
