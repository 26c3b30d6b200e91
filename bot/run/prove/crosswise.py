"""Crosswise rows: the change's tests on the base's source, and the base's tests on the change's source.

Of a change on top of a merge both stand on the merge, with its conflicts as they were settled: what came
with the other branch is other people's, and settling is a part of the merge. How tests in conflict were
settled is judged from both sides: what is weaker than on either of them is altered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dulwich.repo import Repo

from bot.domain import ChangeSet, CheckCommand, FileChange
from bot.git.paths import as_bytes
from bot.git.rebase import diff_commits
from bot.git.transplant import Conflict
from bot.git.trees import BaseTree
from bot.run.prove.altered_tests import find_altered_tests, list_test_names
from bot.run.prove.judge_files import ChangeParts, split_change
from bot.run.prove.named_files import ReadBase
from bot.run.prove.rows import CheckedTree, TreeRuns, run_on_tree, run_together
from bot.run.prove.run_check import CheckRun
from bot.run.prove.suspect.telltale import find_telltale_lines
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout

CrossRuns = tuple[list[CheckRun | None], list[CheckRun | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedChange:
    """The change whose parts are run crosswise.

    ``start`` is the tree that the parts are laid on, ``read_base`` gives its files. ``settled`` are the
    conflicts of a merge that the change settles, in neither part; ``sides`` are the merge's two commits.
    """

    start: Checkout
    parts: ChangeParts
    read_base: ReadBase
    settled: ChangeSet
    sides: tuple[str, str] | None = None
    commands: tuple[CheckCommand, ...] = ()

    @property
    def source(self) -> ChangeSet:
        """All files that are not tests, including those of settled conflicts."""
        files = (*self.parts.source.files, *self.settled.files)
        return ChangeSet(base=self.parts.source.base, files=files)

    def find_altered_tests(self) -> tuple[str, ...]:
        """The base's tests that the change weakens."""
        found = find_altered_tests(self.parts.tests, self.read_base)
        if self.sides is None:
            return found
        ours, theirs = (_read_commit(self.start.repo, side) for side in self.sides)
        weaker = find_altered_tests(self.settled, ours), find_altered_tests(self.settled, theirs)
        return (
            *found,
            *(test for test in weaker[0] if test in weaker[1] or not _has_test(theirs, test)),
            *(test for test in weaker[1] if test not in weaker[0] and not _has_test(ours, test)),
        )

    def list_altered_settings(self) -> tuple[str, ...]:
        """Paths that set up how tests are run, and are as on neither side of a merge."""
        if self.sides is None:
            return self.parts.settings
        ours, theirs = (
            split_change(self.settled, self.commands, _read_commit(self.start.repo, side)).settings
            for side in self.sides
        )
        return (*self.parts.settings, *(path for path in ours if path in theirs))

    def find_telltale_lines(self) -> tuple[str, ...]:
        """Added lines that mention the test runner; a file in conflict has the lines of both sides."""
        return find_telltale_lines(self.source, self.read_base)


def judge_change(checkout: Checkout, changes: ChangeSet, commands: Sequence[CheckCommand]) -> JudgedChange:
    """What is judged of ``changes`` on ``checkout``; without changes, all that the pull request changes.
    Blocking.

    Of a merge only the agent's own part.
    """
    start = checkout.before or checkout
    settled: tuple[FileChange, ...] = ()
    sides = None
    merged = checkout.base_merge.merged if checkout.base_merge else None
    if merged is not None:
        start, sides = checkout, (merged.ours, merged.theirs)
        settled = tuple(each for each in changes.files if each.path in merged.conflicts)
    elif checkout.before is not None and not changes.files:
        changes = _diff_whole(checkout, checkout.before, changes)
    own = ChangeSet(base=changes.base, files=_leave_out(changes.files, settled))
    read_base = _read_commit(start.repo, start.base)
    with closing(Repo(str(start.repo))) as opened:  # once for the many files that are looked for
        tree = BaseTree(opened.object_store, start.base)
        parts = split_change(own, commands, lambda path: tree.read_file(as_bytes(path)))
    return JudgedChange(
        start=start,
        parts=parts,
        read_base=read_base,
        settled=ChangeSet(base=changes.base, files=settled),
        sides=sides,
        commands=tuple(commands),
    )


async def run_crosswise(
    judged: JudgedChange, commands: Sequence[CheckCommand], base: TreeRuns, redactor: Redactor
) -> CrossRuns:
    """Both rows for each command, None where there is none.

    Only where the change has both parts, and only of checks that name tests; the second only where tests of
    the base are changed or fail. A change of tests alone leaves the base's tests and source as they are.
    """
    nothing: list[CheckRun | None] = [None] * len(commands)
    parts = judged.parts
    at = [
        n
        for n, (command, run) in enumerate(zip(commands, base.runs, strict=True))
        if not command.lint and run.tests
    ]
    if not parts.tests.files or not at:
        return nothing, nothing
    if not parts.source.files:
        return nothing, list(base.runs) if judged.sides is None else nothing
    some = [commands[n] for n in at]
    trees = [_lay(judged, parts.tests)]
    if parts.may_alter_tests or any(base.runs[n].result.failing for n in at):
        trees.append(_lay(judged, parts.source))
    ends = await run_together(*(run_on_tree(tree, some, redactor) for tree in trees))
    filled = [dict(zip(at, each.runs, strict=True)) for each in ends]
    rows = [[each.get(n) for n in range(len(commands))] for each in filled]
    return rows[0], rows[1] if len(rows) > 1 else nothing


def _lay(judged: JudgedChange, part: ChangeSet) -> CheckedTree:
    """A part of the change on the tree that it starts from, with what was settled there."""
    files = (*judged.settled.files, *part.files)
    return CheckedTree(checkout=judged.start, changes=ChangeSet(base=part.base, files=files))


def _diff_whole(checkout: Checkout, before: Checkout, changes: ChangeSet) -> ChangeSet:
    """What a pull request changes; ``changes`` where that cannot be said."""
    try:
        return ChangeSet(base=before.base, files=diff_commits(checkout.repo, before.base, checkout.base))
    except Conflict:  # a submodule is among it
        return changes


def _leave_out(files: Sequence[FileChange], settled: Sequence[FileChange]) -> tuple[FileChange, ...]:
    return tuple(each for each in files if each not in settled)


def _has_test(read: Callable[[str], bytes | None], test: str) -> bool:
    """Whether a side has the test that is named ``path::name``, or the path."""
    path, _, name = test.partition("::")
    data = read(path)
    return data is not None and (not name or name in list_test_names(data))


def _read_commit(repo: Path, commit: str) -> ReadBase:
    """Reads files of a commit."""

    def read(path: str) -> bytes | None:
        with closing(Repo(str(repo))) as opened:
            return BaseTree(opened.object_store, commit).read_file(as_bytes(path))

    return read
