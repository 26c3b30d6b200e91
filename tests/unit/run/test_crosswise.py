"""What is judged crosswise: of a merge only the agent's own part, and how it settled conflicts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, ProofState
from bot.git.merge import merge
from bot.run.prove.crosswise import JudgedChange, judge_change
from bot.run.prove.prove import prove
from bot.text.redact import Redactor
from bot.workspace.base_merge import BaseMerge
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.git import commit, git
from tests.support.sandbox import lend_toolchain

Files = Mapping[str, str]

BEGUN = {
    ".github/hob.yml": "test: python -m pytest -q\n",
    "calc.py": "def double(x):\n    return x + x\n",
    "test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
    "test_old.py": "def test_old():\n    assert True\n",
}
OURS = {
    "calc.py": "def double(x):\n    return x * 2\n",
    "test_calc.py": BEGUN["test_calc.py"].replace("4) == 8", "5) == 10"),
}
THEIRS = {
    "calc.py": "def double(x):\n    return 2 * x\n",
    "test_calc.py": BEGUN["test_calc.py"].replace("4) == 8", "6) == 12")
    + "\n\ndef test_zero():\n    assert double(0) == 0\n",
    "test_old.py": "def test_old():\n    assert 1\n",
    "more.py": "import atexit\n",
    "test_more.py": "import more\n\n\ndef test_more():\n    assert more\n",
    "pytest.ini": "[pytest]\n",
}
BOTH = THEIRS["test_calc.py"] + "\n\ndef test_five():\n    assert double(5) == 10\n"
SETTLED = {"calc.py": OURS["calc.py"], "test_calc.py": THEIRS["test_calc.py"]}


async def merge_both(root: Path, workshop: Workshop) -> Checkout:
    """A branch whose base moved: both sides changed calc.py and its test."""
    start = commit(root, {**BEGUN})
    ours = commit(root, {**OURS})
    git(root, "checkout", "--quiet", start)
    theirs = commit(root, {**THEIRS})
    git(root, "merge", "--quiet", "--strategy=ours", "-m", "both", ours)  # so that one fetch has all of it
    repo, both = await workshop.mirror.adopt(root)
    await workshop.mirror.adopt(root, both, depth=9)
    made = await merge(workshop.mirror.path(repo), base=start, ours=ours, theirs=theirs)
    assert made.conflicts == ("calc.py", "test_calc.py")
    checkout = await workshop.checkout(repo, made.commit, Redactor())
    before = await workshop.checkout(repo, ours, Redactor())
    base_merge = BaseMerge(name="main", is_requested=True, only=True, merged=made)
    return replace(checkout, base_merge=base_merge, before=before, checks=before.checks)


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory, tooling: Toolchain) -> Checkout:
    folder = tmp_path_factory.mktemp("merged")
    lend_toolchain(tooling, folder)
    return asyncio.run(merge_both(folder / "r", Workshop(folder)))


def change(checkout: Checkout, files: Files, new: tuple[str, ...] = ()) -> ChangeSet:
    made = [
        FileChange(
            path=path,
            kind=ChangeKind.ADDED if path in new else ChangeKind.MODIFIED,
            mode=0o100644,
            data=text.encode(),
        )
        for path, text in sorted(files.items())
    ]
    return ChangeSet(base=checkout.base, files=tuple(made))


def judge(checkout: Checkout, files: Files) -> JudgedChange:
    return judge_change(checkout, change(checkout, files), checkout.checks.checks)


async def test_what_came_with_the_base_is_other_peoples(merged: Checkout) -> None:
    """A clean merge has no part of the agent's; settling conflicts is the merge itself."""
    for files in ({}, SETTLED):
        judged = judge(merged, files)
        assert judged.start is merged
        assert judged.parts.tests.files == judged.parts.source.files == ()
        assert judged.find_altered_tests() == judged.list_altered_settings() == ()
        assert judged.find_telltale_lines() == ()


@pytest.mark.parametrize(
    ("settled", "altered"),
    [
        (OURS["test_calc.py"], ("test_calc.py::test_zero",)),  # the base's new test is dropped
        (THEIRS["test_calc.py"], ()),
        (BOTH, ()),
        (
            BOTH.replace("assert double(6) == 12", "pass"),
            ("test_calc.py::test_double",),
        ),
        (
            BOTH.replace("def test_zero", "@pytest.mark.skip\ndef test_zero"),
            ("test_calc.py::test_zero",),
        ),
    ],
)
async def test_a_settled_test_is_weaker_where_it_is_on_both_sides(
    merged: Checkout, settled: str, altered: tuple[str, ...]
) -> None:
    judged = judge(merged, {"calc.py": OURS["calc.py"], "test_calc.py": settled})
    assert judged.find_altered_tests() == altered


async def test_what_the_agent_changes_beside_the_conflicts_is_judged(merged: Checkout) -> None:
    more = {
        "test_old.py": "def test_old():\n    pass\n",
        "test_more.py": "",
        "pytest.ini": "[pytest]\naddopts=-x\n",
    }
    code = {"more.py": "import atexit\nimport os\nos._exit(0)\n"}
    judged = judge(merged, SETTLED | more | code)
    assert {each.path for each in judged.parts.tests.files} == set(more)
    assert {each.path for each in judged.parts.source.files} == set(code)
    assert judged.find_altered_tests() == ("test_more.py::test_more", "test_old.py::test_old")
    assert judged.list_altered_settings() == ("pytest.ini",)
    assert judged.find_telltale_lines() == ("more.py:3",)  # the first line was there


async def test_the_rows_of_a_merge_stand_on_the_merge(merged: Checkout) -> None:
    """On the branch as it was the change's test could not even be read, as `more` came with the base."""
    own = {
        "more.py": "import atexit\n\nNAME = 'x'\n",
        "test_name.py": "import more\n\n\ndef test_name():\n    assert more.NAME == 'x'\n",
    }
    changes = change(merged, SETTLED | own, new=("test_name.py",))
    proof = await prove(merged, changes, Redactor())
    (check,) = proof.checks
    assert check.head_tests_on_base is not None
    assert (check.head_tests_on_base.passed, check.head_tests_on_base.failed) == (4, 1)
    assert check.added == ("test_name.py::test_name",)
    assert proof.state is ProofState.PROVED, proof.warnings
