"""Cases from histories: which commits are taken, what is said of a mend, and the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.demo.story import git
from bot.eval.real.__main__ import main
from bot.eval.real.cases import RealCase, find_tree, make_task, write_tree
from bot.eval.real.compare import Likeness, blank_messages, is_same_tree
from bot.eval.real.history import find_fixes, make_request
from bot.eval.real.measure import RealResult
from bot.eval.real.summary import list_shares
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
def test_what_a_case_is_set_up_with_is_kept_and_without_an_index_it_runs_as_it_can(
    tmp_path: Path, tooling: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    lend_toolchain(tooling, home)
    monkeypatch.setenv("HOB_HOME", str(home))
    repo = make_fix_history(tmp_path / "shop")
    line = [str(repo), "--out", str(out), "--sample", "1", "--seed", "3", "--cases-only"]
    assert CliRunner().invoke(main, [*line, "--no-install"]).exit_code == 0
    row = json.loads((out / "cases.jsonl").read_text().splitlines()[-1])
    assert (row["setup"], row["test_command"], row["trouble"]) == ("", "", "")
    fix = next(each for each in find_fixes(repo) if each.name == row["name"])
    case = RealCase(fix=fix, setup="make it", test_command="run it", fail_to_pass=("t",))
    task = make_task(case, out)
    assert (task.row.setup, task.row.setup_internet, task.row.test_command) == (
        "make it",
        "packages",
        "run it",
    )
    assert task.digest != make_task(RealCase(fix=fix, fail_to_pass=("t",)), out).digest
