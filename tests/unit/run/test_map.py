"""The map in the brief, made from a real repository by the workshop of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.domain import PromptText, Trust
from bot.run.prepare.repository_map import FEW, add_map
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from tests.support.agent import brief
from tests.support.git import commit, git


async def checkout_of(
    tmp_path: Path, home: Path, files: dict[str, str | bytes | None]
) -> tuple[Workshop, Checkout]:
    git(tmp_path, "init", "-q", "r")
    commit(tmp_path / "r", files)
    workshop = Workshop(home)
    repo_id, sha = await workshop.mirror.adopt(tmp_path / "r")
    return workshop, await workshop.checkout(repo_id, sha, Redactor())


MANY: dict[str, str | bytes | None] = {
    f"pkg/m{number}.py": f"def part_{number}(): pass\n" for number in range(FEW)
} | {"pkg/fees.py": "class Fees:\n    def late(self): pass\n"}


async def test_the_brief_has_the_files_that_the_thread_speaks_of(tmp_path: Path, home: Path) -> None:
    workshop, checkout = await checkout_of(tmp_path, home, MANY)
    said = PromptText(
        trust=Trust.QUOTED, where="issue #3", author="bob", permission="read", at="", text="late Fees"
    )
    asked = brief("Please fix this", texts=(said,))
    told = await add_map(workshop, checkout, asked, "openai:x")
    assert told == replace(asked, orientation=told.orientation)
    assert told.orientation.splitlines()[2] == "pkg/fees.py  Fees:1 Fees.late:2"
    assert await add_map(workshop, checkout, asked, "offline") == asked
    assert not list(checkout.scratch.glob("*/.hob-*"))


async def test_a_small_tree_is_listed(tmp_path: Path, home: Path) -> None:
    workshop, checkout = await checkout_of(tmp_path, home, {"b.py": "", "a/c.py": ""})
    told = await add_map(workshop, checkout, brief("Fix it"), "openai:x")
    assert told.orientation == "All files:\na/c.py\nb.py"


async def test_a_missing_map_is_explained(tmp_path: Path, home: Path) -> None:
    workshop, checkout = await checkout_of(tmp_path, home, MANY)
    workshop.policy = replace(workshop.policy, path=("/nowhere",))
    told = await add_map(workshop, checkout, brief("Fix it"), "openai:x")
    assert told.orientation.startswith("There is no map of this repository: the program that makes it failed")
