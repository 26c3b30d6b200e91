"""The offer that a maintainer approves: the name of the very tree, and all of what changes in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import (
    ChangeKind,
    ChangeSet,
    FileChange,
    Held,
    Outcome,
    OutcomeKind,
    Proof,
    ProvenChange,
    Result,
)
from bot.run.stored import dump_proven_change, load_proven_change
from bot.run.strategies.release_offer import MOST_SHOWN, make_release_offer
from bot.tasks.database.column_values import pack, unpack
from tests.support.git import commit, git


def file(path: str, data: str, kind: ChangeKind = ChangeKind.ADDED) -> FileChange:
    return FileChange(path=path, kind=kind, mode=0o100644, data=data.encode())


def holding(base: str, *held: FileChange, files: tuple[FileChange, ...] = ()) -> ChangeSet:
    kept = tuple(Held(path=each.path, why="protected", change=each) for each in held)
    return ChangeSet(base=base, files=files, held=(*kept, Held(path=".git/x", why="git's own")))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def test_the_digest_is_the_tree_that_comes_of_it(work: Path) -> None:
    base = commit(work, {"a.py": "0\n", "AGENTS.md": "0\n"})
    guide = file("AGENTS.md", "1\n", ChangeKind.MODIFIED)
    changes = holding(base, guide, files=(file("b.py", "1\n"),))
    found = make_release_offer(work / ".git", changes, "hob")
    assert found and found.paths == ("AGENTS.md",) and found.command == f"@hob approve {found.digest}"
    assert "+1" in found.diff and "b.py" not in found.diff
    others = [
        holding(base, guide),  # without the rest of the change
        holding(base, replace(guide, data=b"1\n\n"), files=changes.files),
        holding(base, replace(guide, mode=0o100755), files=changes.files),
        holding(base, guide, file("CODEOWNERS", "* @a\n"), files=changes.files),
    ]
    digests = {made.digest for each in others if (made := make_release_offer(work / ".git", each, "hob"))}
    assert len(digests) == len(others) and found.digest not in digests
    moved = commit(work, {"c.py": "2\n"})
    later = make_release_offer(work / ".git", replace(changes, base=moved), "hob")
    assert later and later.digest not in {found.digest, *digests}
    real = commit(work, {"b.py": "1\n", "AGENTS.md": "1\n"})
    assert later.digest == git(work, "rev-parse", f"{real}^{{tree}}")


def test_what_nobody_could_see_is_spelt_out_or_not_offered(work: Path) -> None:
    base = commit(work, {"a.py": "0\n"})
    hidden = make_release_offer(work / ".git", holding(base, file("AGENTS.md", "a\u202eb\u200bc\r\n")), "hob")
    assert hidden and r"+a\u{202e}b\u{200b}c\u{d}" in hidden.diff
    blank = make_release_offer(
        work / ".git", holding(base, file("AGENTS.md", "a\u3164b\ufe0f\U000e0101c\n")), "hob"
    )
    assert blank and r"+a\u{3164}b\u{fe0f}\u{e0101}c" in blank.diff
    assert (
        make_release_offer(work / ".git", holding(base, file("AGENTS.md", "x\n" * MOST_SHOWN)), "hob") is None
    )
    clash = holding(base, file("a.py/AGENTS.md", "x\n"), files=(file("a.py", "1\n", ChangeKind.MODIFIED),))
    assert make_release_offer(work / ".git", clash, "hob") is None


def test_an_offer_is_the_same_after_a_crash(work: Path) -> None:
    base = commit(work, {"a.py": "0\n"})
    changes = holding(base, file("AGENTS.md", "1\n"), files=(file("b.py", "1\n"),))
    release = make_release_offer(work / ".git", changes, "hob")
    outcome = Outcome(kind=OutcomeKind.CHANGED)
    result = Result(outcome=outcome, changes=changes, proof=Proof(), release=release)
    proven = ProvenChange(result=result, branch="hob/1-x", head=None, hidden=(), run_url="", root=7)
    assert release and load_proven_change(unpack(pack(dump_proven_change(proven)))) == proven
