"""What the tries of changes leave in the workspace: new files go, and what they broke forbids a claim."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.guest.mend_js import session
from bot.guest.mend_js.asked import JsRequest
from bot.guest.mend_js.choice import keep, tree
from bot.guest.mend_js.choice.keep import TreeKeeper
from bot.guest.mend_js.report import withhold_change

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
WRONG = "exports.add = (one, other) => one - other\n"
TEST = (
    "const fs = require('node:fs'), test = require('node:test')\n"
    "test('adds', () => {\n"
    "  const sum = require('./index.js').add(1, 2)\n"
    "  %s\n"
    "  require('node:assert').equal(sum, 3)\n"
    "})\n"
)


def mend(folder: Path, monkeypatch: pytest.MonkeyPatch, act: str) -> dict[str, Any]:
    """What a search says of a wrong sum whose test does something more; it looks for one answer alone."""
    root, scratch = folder / "root", folder / "scratch"
    scratch.mkdir()
    root.mkdir(exist_ok=True)
    (root / "index.js").write_text(WRONG)
    (root / "a.test.js").write_text(TEST % act)
    monkeypatch.setattr(session, "RIVAL_SECONDS", 0.0)
    monkeypatch.setattr(session, "RIVAL_LEAST", 0.0)
    request = JsRequest(text="", scope="all")
    return session.mend(root, "node --test a.test.js", request, 30.0, scratch, lambda _: None)


def list_tree(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@needs_node
@pytest.mark.timeout(250)
def test_files_that_only_tries_make_are_gone_when_the_search_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = mend(tmp_path, monkeypatch, "fs.writeFileSync(`sum${sum}`, '')")
    assert told["outcome"] == "mended", told
    assert list_tree(tmp_path / "root") == {"index.js", "a.test.js", "sum-1"}  # without a try


@needs_node
@pytest.mark.timeout(250)
def test_no_claim_where_a_try_took_a_file_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data.txt").write_text("1")
    told = mend(tmp_path, monkeypatch, "if (sum > 0) fs.rmSync('data.txt', { force: true })")
    assert told["outcome"] == "not_found"
    assert told["reason"] == (
        "while I tried edits, `data.txt` changed in the working folder, so I report no edit"
    )
    assert "edits" not in told
    assert (tmp_path / "root" / "data.txt").read_text() == "1"


def test_what_is_new_is_taken_away_and_what_the_tests_make_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").write_text("a")
    keeper = TreeKeeper(tmp_path)
    (tmp_path / "log").write_text("1")  # by the first run
    keeper.settle()
    for name in ("kept/b", "new/c/d", ".git/e", "node_modules/f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "new" / "away").symlink_to(tmp_path / "kept")
    (tmp_path / "away").symlink_to(tmp_path / "kept")
    (tmp_path / "log").write_text("12")
    keeper.clean()
    assert list_tree(tmp_path) == {
        "kept",
        "kept/a",
        "log",
        ".git",
        ".git/e",
        "node_modules",
        "node_modules/f",
    }
    assert keeper.find_loss() == ""


def test_a_file_that_is_written_anew_as_it_was_is_not_lost(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    keeper = TreeKeeper(tmp_path)
    keeper.settle()
    (tmp_path / "a").write_text("b")
    assert keeper.find_loss() == "a"
    (tmp_path / "a").write_text("a")
    assert keeper.find_loss() == ""
    (tmp_path / "a").chmod(0o755)
    assert keeper.find_loss() == "a"
    (tmp_path / "a").chmod(0o644)
    (tmp_path / "b").unlink()
    (tmp_path / "b").symlink_to("c")
    assert keeper.find_loss() == "b"


def test_a_tree_that_is_too_large_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("a")
    monkeypatch.setattr(tree, "MOST_NOTED", 0)
    keeper = TreeKeeper(tmp_path)
    keeper.settle()
    (tmp_path / "b").write_text("b")
    (tmp_path / "a").unlink()
    assert keeper.find_loss() == ""
    assert keeper.blind
    assert keeper.clean() == ""
    assert list_tree(tmp_path) == {"b"}


@pytest.fixture
def users_tree() -> Iterator[Path]:
    """A folder with two files, of a user who may not read everything: as root, all of it can be read."""
    root = Path(tempfile.mkdtemp(prefix="hob-keep-")).resolve()
    (root / "data").mkdir()
    (root / "data" / "a").write_text("a")
    (root / "b").write_text("b")
    ordinary = os.geteuid() != 0
    if not ordinary:
        for path in (root, *root.rglob("*")):
            os.chown(path, 65534, 65534)
        os.seteuid(65534)
    try:
        yield root
    finally:
        if not ordinary:
            os.seteuid(0)
        for folder in (path for path in root.rglob("*") if path.is_dir()):
            folder.chmod(0o700)
        shutil.rmtree(root)


def keep_tree(root: Path) -> TreeKeeper:
    keeper = TreeKeeper(root)
    keeper.settle()
    return keeper


def test_a_folder_that_the_tests_shut_themselves_hides_nothing_else(users_tree: Path) -> None:
    keeper = TreeKeeper(users_tree)
    (users_tree / "own").mkdir()
    (users_tree / "own" / "c").write_text("c")
    (users_tree / "own").chmod(0)
    keeper.settle()
    (users_tree / "b").unlink()
    (users_tree / "junk").write_text("")
    assert keeper.find_loss() == "b"
    assert keeper.clean() == ""
    (users_tree / "own").chmod(0o700)
    assert keeper.clean() == ""  # what is in it now is no news
    assert list_tree(users_tree) == {"data", "data/a", "b", "own", "own/c"}


@pytest.mark.parametrize("mode", [0, 0o444, 0o555])
def test_a_folder_that_a_try_shuts_is_taken_away(users_tree: Path, mode: int) -> None:
    keeper = keep_tree(users_tree)
    (users_tree / "shut" / "in").mkdir(parents=True)
    (users_tree / "shut" / "in" / "c").write_text("c")
    (users_tree / "shut" / "in").chmod(mode)
    (users_tree / "shut").chmod(mode)
    assert keeper.clean() == ""
    assert list_tree(users_tree) == {"data", "data/a", "b"}


@pytest.mark.parametrize("mode", [0, 0o444, 0o555])
def test_a_folder_of_the_tree_that_a_try_shuts_is_opened(users_tree: Path, mode: int) -> None:
    keeper = keep_tree(users_tree)
    (users_tree / "data" / "a").unlink()
    (users_tree / "data" / "c").write_text("c")
    (users_tree / "data").chmod(mode)
    assert keeper.find_loss()
    assert keeper.clean() == ""
    assert list_tree(users_tree) == {"data", "data/a", "b"}
    assert (users_tree / "data").stat().st_mode & 0o777 == 0o755


def test_what_can_not_be_taken_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = keep_tree(tmp_path)
    (tmp_path / "junk").write_text("")
    monkeypatch.setattr(keep, "_remove", lambda _: None)
    assert keeper.clean() == "junk"


def test_what_goes_away_while_the_tree_is_noted_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    scandir = os.scandir

    def lose(path: str) -> Any:
        found = scandir(path)
        (tmp_path / "b").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(os, "scandir", lose)
    assert set(tree.note_files(tmp_path)) <= {"a"}


def test_what_tries_broke_is_put_back(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d/e", "f/g", "script"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "script").chmod(0o755)
    before = tree.note_files(tmp_path)
    keeper = keep_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "new")
    (tmp_path / "b").write_text("")
    (tmp_path / "c").unlink()
    (tmp_path / "c" / "in").mkdir(parents=True)
    shutil.rmtree(tmp_path / "d")
    (tmp_path / "d").symlink_to("f")  # nothing is to be written by way of it
    shutil.rmtree(tmp_path / "empty")
    (tmp_path / "link").unlink()
    (tmp_path / "link").write_text("")
    (tmp_path / "script").chmod(0o600)
    assert keeper.clean() == ""
    assert tree.note_files(tmp_path) == before
    assert (tmp_path / "d" / "e").read_text() == "d/e"
    assert (tmp_path / "a").read_text() == "a"


def test_of_large_files_only_those_are_put_back_that_were_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name * 9)
    monkeypatch.setattr(keep, "MOST_KEPT", 1)
    keeper = keep_tree(tmp_path)
    (tmp_path / "new").mkdir()
    (tmp_path / "a").rename(tmp_path / "new" / "a")
    (tmp_path / "b").write_text("c" * 9)
    assert keeper.clean() == "b"
    assert list_tree(tmp_path) == {"a", "b"}
    assert (tmp_path / "a").read_text() == "a" * 9


@needs_node
@pytest.mark.timeout(250)
def test_what_wrong_tries_broke_forbids_no_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data.txt").write_text("1")
    act = "if (sum !== -1 && sum !== 3) fs.rmSync('data.txt', { force: true })"
    told = mend(tmp_path, monkeypatch, act)
    assert told["outcome"] == "mended", told
    assert (tmp_path / "root" / "data.txt").read_text() == "1"


@needs_node
@pytest.mark.timeout(250)
def test_damage_is_told_where_nothing_is_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data.txt").write_text("12")
    monkeypatch.setattr(keep, "MOST_KEPT", 1)
    act = "if (sum !== -1) { fs.rmSync('data.txt', { force: true }); throw 1 }"
    told = mend(tmp_path, monkeypatch, act)
    assert told["outcome"] == "not_found"
    assert told["reason"].endswith(
        "; running the tests with edits changed `data.txt` in the working folder, "
        "and I could not put it back as it was"
    )


@needs_node
@pytest.mark.timeout(250)
def test_no_claim_in_a_tree_that_is_too_large_to_be_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "MOST_NOTED", 0)
    told = mend(tmp_path, monkeypatch, "")
    assert told["outcome"] == "not_found"
    assert told["reason"] == ("the working folder is too large for me to see what trying edits changes in it")
    assert "edits" not in told and told["unsure"]


def test_a_change_is_withheld_where_the_tree_stays_broken() -> None:
    claimed = {"outcome": "mended", "edits": [{}], "turned": ["t"], "failure": {}}
    assert withhold_change(claimed, "why") == {"outcome": "not_found", "failure": {}, "reason": "why"}
