"""Cases from histories: which commits are taken, what is said of a mend, and the table."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.demo.story import git
from bot.eval.measure import make_brief
from bot.eval.real.__main__ import FORMAT, RealWork, main
from bot.eval.real.cases import NOT_RUN, RealCase, find_tree, make_task, try_setups, write_tree
from bot.eval.real.compare import Likeness, blank_messages, is_same_tree, read_answer
from bot.eval.real.explain import read_explained
from bot.eval.real.history import find_fixes, make_request
from bot.eval.real.measure import RealResult
from bot.eval.real.summary import list_shares
from bot.eval.results import append_row
from bot.eval.search_journal import SEARCH, SearchJournal
from bot.text.redact import Redactor
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.fix_history import make_fix_history
from tests.support.sandbox import lend_toolchain


def test_small_fixes_with_tests_are_found_and_nothing_else(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    fixes = find_fixes(repo)
    assert [fix.request for fix in fixes] == [
        f"Fix the limit of {name}" for name in ("shipping", "late", "full", "ripe", "grade", "discount")
    ]
    assert {fix.lines for fix in fixes} == {1}
    assert all(fix.tests == ("tests/test_shop.py",) and fix.repo == "shop" for fix in fixes)
    assert find_fixes(repo, since="2090-01-01") == []


def test_a_file_that_the_clone_lacks_is_left_out_of_the_case(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    (repo / "large.bin").write_bytes(b"\0" * 100)
    git(repo, "add", "large.bin")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "Add data")
    path = repo / "shop.py"
    path.write_text(path.read_text().replace("return weight - free", "return max(weight - free, 1)"))
    with (repo / "tests" / "test_shop.py").open("a") as tests:
        tests.write("\n\ndef test_least():\n    assert shop.shipping(20.5) == 1\n")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "Charge at least one")
    name = git(repo, "rev-parse", "HEAD:large.bin").strip()
    (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()
    fix = find_fixes(repo)[0]
    tree = find_tree(fix, tmp_path)
    write_tree(fix, tree)
    assert (tree / "shop.py").is_file()
    assert not (tree / "large.bin").exists()


def test_a_link_of_a_case_is_a_copy_and_none_leads_out(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    (repo / "docs").mkdir()
    (repo / "docs" / "README.rst").write_text("A shop\n")
    (repo / "README.rst").symlink_to("docs/README.rst")
    (repo / "out").symlink_to("../../etc/passwd")
    git(repo, "add", "-A")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "Add words")
    path = repo / "shop.py"
    path.write_text(path.read_text().replace("return weight - free", "return max(weight - free, 1)"))
    with (repo / "tests" / "test_shop.py").open("a") as tests:
        tests.write("\n\ndef test_least():\n    assert shop.shipping(20.5) == 1\n")
    git(repo, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "Charge at least one")
    fix = find_fixes(repo)[0]
    tree = find_tree(fix, tmp_path)
    write_tree(fix, tree)
    copied = tree / "README.rst"
    assert copied.read_text() == "A shop\n" and not copied.is_symlink()
    assert not (tree / "out").exists() and not (tree / "out").is_symlink()


def test_a_merge_counts_once_by_the_words_of_the_commit(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    git(repo, "checkout", "-qb", "mend")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    path = repo / "shop.py"
    path.write_text(path.read_text().replace("return weight - free", "return max(weight - free, 1)"))
    git(repo, *who, "commit", "-qam", "Charge at least one")
    with (repo / "tests" / "test_shop.py").open("a") as tests:
        tests.write("\n\ndef test_least():\n    assert shop.shipping(20.5) == 1\n")
    git(repo, *who, "commit", "-qam", "Test it")
    git(repo, "checkout", "-q", "main")
    git(
        repo,
        *who,
        "merge",
        "-q",
        "--no-ff",
        "mend",
        "-m",
        "Merge pull request #9 from a/mend\n\nThe least shipping is 1",
    )
    assert find_fixes(repo)[0].request == "The least shipping is 1"
    assert len(find_fixes(repo)) == 7


@pytest.mark.parametrize(
    ("message", "request_"),
    [
        (
            "Fix parse() for empty input (#12)\n\nCloses: #11\nSigned-off-by: A <a@b.c>",
            "Fix parse() for empty input",
        ),
        ("Merge pull request #3 from a/b\n\nKeep the order of keys", "Keep the order of keys"),
        ("fix #12", "fix\nA test fails. Find out why and fix it."),
    ],
)
def test_a_message_becomes_a_request(message: str, request_: str) -> None:
    assert make_request(message) == request_


def test_the_words_of_an_exception_are_no_difference() -> None:
    text = "def f(a):\n    if not a:\n        raise ValueError{}\n    return a\n"
    plain = blank_messages(text.format(""))
    for words in ("()", "('it is empty')", "(f'{a} is empty')", "('%s is empty' % a)", "('{}'.format(a))"):
        found = blank_messages(text.format(words))
        assert is_same_tree({"m.py": found}, {"m.py": plain})
    for other in ("(a)", "(len(a))", "('it is empty', a)"):
        assert not is_same_tree({"m.py": blank_messages(text.format(other))}, {"m.py": plain})


def result(case: str, likeness: Likeness | None, *, passed: bool = True, claimed: bool = True) -> RealResult:
    diff = "" if likeness is None else "a diff"
    claimed, passed = claimed and bool(diff), passed and bool(diff)
    return RealResult(
        case=case,
        weights="plain",
        passed=passed,
        claimed=claimed,
        ended="",
        likeness=likeness,
        diff=diff,
        lines=7,
    )


def test_what_is_claimed_and_not_right_is_counted_by_how_that_is_known() -> None:
    results = [
        result("a", Likeness.SAME_TREE),
        result("b", Likeness.SAME_OUTPUTS),
        result("c", Likeness.DIFFERS),
        result("d", Likeness.UNKNOWN),
        result("e", Likeness.UNKNOWN, passed=False),
        result("f", None),
        result("g", Likeness.SAME_OUTPUTS, passed=False, claimed=False),
    ]
    counts = {share.name.strip(): share.count for share in list_shares(results)}
    assert counts["passes the fix's tests"] == 4
    assert counts["right"] == 2 and counts["right, of fixes of 1 to 5 lines"] == 0
    assert counts["claimed, not right"] == 3
    assert counts["an input or a test shows it"] == 2 and counts["could not be compared"] == 1
    assert counts["refused, with nothing changed"] == 1


@pytest.mark.timeout(300)
def test_a_fix_of_a_history_is_measured_and_compared(
    tmp_path: Path, tooling: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    lend_toolchain(tooling, home)
    monkeypatch.setenv("HOB_HOME", str(home))
    repo = make_fix_history(tmp_path / "shop")
    line = [str(repo), "--out", str(out), "--sample", "1", "--seed", "3"]
    done = CliRunner().invoke(main, line)
    assert done.exit_code == 0, done.output
    assert "counts" in done.stderr and "learned: solved, same syntax tree" in done.stderr
    rows = [row.split("│") for row in done.stdout.splitlines()]
    table = {row[1].strip(): row[2].strip() for row in rows if len(row) > 3}
    assert table["right"].startswith("1/1, 100%")
    assert table["claimed, not right"].startswith("0/1, 0%")

    again = CliRunner().invoke(main, line)
    assert again.exit_code == 0 and again.stdout == done.stdout
    assert "[1/1]" not in again.stderr

    explained = CliRunner().invoke(main, [*line, "--explain"])
    assert explained.exit_code == 0, explained.output
    assert "mended" in explained.stdout and "1 of 1: all edits are candidates" in explained.stdout
    assert "shop.py:" in explained.stdout and ", comparison" in explained.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("index", ["--no-install", "--install"])
def test_without_an_index_a_case_runs_as_it_can_whatever_was_kept_of_another_way(
    tmp_path: Path, tooling: Toolchain, monkeypatch: pytest.MonkeyPatch, index: str
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    out.mkdir()
    lend_toolchain(tooling, home)
    monkeypatch.setenv("HOB_HOME", str(home))
    monkeypatch.setenv("HOB_EGRESS_PROXY", "http://127.0.0.1:9")  # where nothing listens
    repo = make_fix_history(tmp_path / "shop", {"requirements.txt": "-e ./nowhere\n"})
    installs = index == "--install"
    old = {"request": "", "lines": 1, "fail_to_pass": [], "pass_to_pass": [], "trouble": "was told before"}
    for fix in find_fixes(repo):
        append_row(out / "cases.jsonl", {**old, "name": fix.name})
        append_row(out / "cases.jsonl", {**old, "name": fix.name, "format": FORMAT, "installs": not installs})
    line = [str(repo), "--out", str(out), "--sample", "1", "--seed", "3", "--cases-only", index]
    done = CliRunner().invoke(main, line)
    assert done.exit_code == 0 and ": counts" in done.stderr, done.output
    row = json.loads((out / "cases.jsonl").read_text().splitlines()[-1])
    assert (row["setup"], row["test_command"], row["trouble"]) == ("", "", "")
    assert (row["format"], row["installs"]) == (FORMAT, installs)


async def test_what_a_case_is_set_up_with_is_kept(tmp_path: Path) -> None:
    (fix,) = find_fixes(make_fix_history(tmp_path / "shop"))[:1]
    out = tmp_path / "out"
    out.mkdir()
    kept = {"name": fix.name, "setup": "make it", "test_command": "run it", "fail_to_pass": ["t"]}
    kept |= {"pass_to_pass": [], "trouble": "", "format": FORMAT, "installs": True}
    append_row(out / "cases.jsonl", kept)
    work = RealWork(workshop=Workshop(tmp_path / "home"), home=out, seconds=1.0)
    (case,) = await work.make_cases([fix], 1)
    task = make_task(case, out)
    assert (task.row.setup, task.row.setup_internet, task.row.test_command) == (
        "make it",
        "packages",
        "run it",
    )
    assert task.digest != make_task(RealCase(fix=fix, fail_to_pass=("t",)), out).digest


async def test_results_of_another_mode_are_not_taken_over(tmp_path: Path) -> None:
    (fix,) = find_fixes(make_fix_history(tmp_path / "shop"))[:1]
    case, out = RealCase(fix=fix, fail_to_pass=("t",)), tmp_path / "out"  # where no tree is, to be measured
    out.mkdir()
    row = asdict(result(fix.name, Likeness.SAME_TREE))
    append_row(out / "real-results.jsonl", {**row, "format": FORMAT, "installs": True})
    append_row(out / "real-results.jsonl", row)
    for installs, found in ((True, 1), (False, 0)):
        work = RealWork(workshop=Workshop(tmp_path / "home"), home=out, seconds=1.0, installs=installs)
        assert len(await work.measure([case], ["plain"])) == found


@pytest.mark.parametrize("wanting", ["nothing that a package would bring", "a module"])
async def test_where_the_tests_do_not_run_with_a_setup_they_are_tried_without(
    tmp_path: Path, wanting: str
) -> None:
    (fix,) = find_fixes(make_fix_history(tmp_path / "shop"))[:1]
    tail = "ModuleNotFoundError: No module named 'six'" if wanting == "a module" else "error: core dumped"
    tried = []

    async def judge_with(setup: str) -> tuple[RealCase, str]:
        tried.append(setup)
        return RealCase(fix=fix, setup=setup, trouble=NOT_RUN), tail

    assert await try_setups("pip install x", (), judge_with) is None
    more = ["pip install x six", "pip install x six six"] if wanting == "a module" else []
    assert tried == ["pip install x", *more]


async def test_a_setup_with_which_the_tests_run_is_kept(tmp_path: Path) -> None:
    (fix,) = find_fixes(make_fix_history(tmp_path / "shop"))[:1]

    async def judge_with(setup: str) -> tuple[RealCase, str]:
        return RealCase(fix=fix, setup=setup, trouble="" if "six" in setup else NOT_RUN), (
            "ModuleNotFoundError: No module named 'six'"
        )

    case = await try_setups("pip install x", (), judge_with)
    assert case is not None and case.setup == "pip install x six"


def test_a_proxy_that_is_none_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOB_EGRESS_PROXY", "ftp://no")
    done = CliRunner().invoke(main, [str(make_fix_history(tmp_path / "shop"))])
    assert done.exit_code == 2 and done.stderr.startswith("hob: HOB_EGRESS_PROXY")


async def test_the_brief_of_a_measured_attempt_has_every_check(tmp_path: Path, tooling: Toolchain) -> None:
    lend_toolchain(tooling, tmp_path / "home")
    workshop = Workshop(tmp_path / "home")
    more = {"package.json": '{"scripts": {"test": "jest"}}', "setup.py": "setup(name='shop')"}
    number, commit = await workshop.mirror.adopt(make_fix_history(tmp_path / "shop", more))
    found = await workshop.checkout(number, commit, Redactor())
    brief = make_brief(found, "Mend it\nnow", "shop")
    assert {brief.test_command, *brief.more_tests} == {"python -m pytest -q", "npm test --silent"}
    assert (brief.title, brief.facts.project) == ("Mend it", "shop")


def test_a_sum_too_deep_to_be_written_is_compared_as_it_stands() -> None:
    for terms in (400, 5000):
        text = f"a = {' + '.join(['1'] * terms)}\n"
        assert is_same_tree({"m.py": blank_messages(text)}, {"m.py": blank_messages(text)}) or terms > 400


BROKEN = ("", "{", "5", "[]", "{}", '{"outcome": "a"}', '{"outcome": "a", "places": [5]}', "[" * 9999)


@pytest.mark.parametrize("said", BROKEN, ids=lambda said: said[:40])
def test_a_broken_or_forged_line_is_no_result(said: str) -> None:
    explained = read_explained("a", f"HOB-EXPLAIN-RESULT {said}\n")
    assert explained.outcome == "no result" and explained.kind == "the search did not begin"
    assert read_answer(f"HOB-COMPARE-RESULT {said}\n").likeness is Likeness.UNKNOWN
    for state in ("same", "differs", "other"):
        assert read_answer(f'HOB-COMPARE-RESULT {{"state": "{state}"}}\n').likeness is Likeness.UNKNOWN


@pytest.mark.parametrize(
    "said", ["", '{"search": {"tri', "5", '{"search": 5}', '{"used": []}', "[" * 9999], ids=len
)
async def test_a_line_of_the_search_that_is_cut_off_is_left(said: str) -> None:
    journal = SearchJournal()
    whole = f'{SEARCH}{{"used": {{"peak_mib": 5.0}}}}'
    for text in (whole, f"{SEARCH}{said}"):
        await journal.store_turn(1, {"calls": [{"output": text}]})
    assert journal.used == {"peak_mib": 5.0}
