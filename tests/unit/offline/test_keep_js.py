"""What the tries of changes leave in the workspace: new files go, and what they broke forbids a claim."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.guest.mend_js import session
from bot.guest.mend_js.asked import JsRequest
from bot.guest.mend_js.choice import tree
from bot.guest.mend_js.choice.keep import TreeKeeper

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
    keeper.clean()
    assert list_tree(tmp_path) == {"b"}
