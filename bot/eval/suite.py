"""A suite of tasks from JSON lines, of the shape that SWE-bench has; what is wrong is named by its line.

``repo`` is a path relative to the file: a git repository, or a folder of plain files (a packed project) that
becomes a repository with one commit, with the ``fault`` planted in it. Fields that are not known here, such
as ``version`` or ``hints_text``, are left alone. https://www.swebench.com/SWE-bench/guides/datasets/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.errors import UserError


class BadSuite(UserError):
    """The message names the file and the line."""


def _parse_tests(value: Any) -> Any:
    """SWE-bench keeps its lists of tests as JSON within a string."""
    return json.loads(value) if isinstance(value, str) else value


Ids = Annotated[tuple[str, ...], BeforeValidator(_parse_tests)]


class Fault(BaseModel):
    """What is planted in a packed project: at its one place in ``path``, ``right`` becomes ``wrong``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    right: str = Field(min_length=1)
    wrong: str


class SuiteRow(BaseModel):
    """One line of a suite."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    instance_id: str = Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")  # it is shown on terminals
    repo: str = Field(min_length=1)
    base_commit: str = ""
    problem_statement: str = Field(min_length=1)
    FAIL_TO_PASS: Ids = Field(min_length=1)
    PASS_TO_PASS: Ids = ()
    test_patch: str = ""
    test_command: str = ""
    setup: str = ""
    setup_internet: str = ""
    kind: str = "other"
    split: str = "all"
    fault: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalTask:
    """A row with its place. ``digest`` changes with anything that could change a result."""

    row: SuiteRow
    repo: Path
    digest: str

    @property
    def packed(self) -> bool:
        """Whether ``repo`` is a folder of plain files."""
        return not is_repository(self.repo)


def is_repository(path: Path) -> bool:
    """A work tree or a bare repository."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def read_suites(paths: Sequence[Path]) -> list[EvalTask]:
    """All tasks in their order. Raises BadSuite."""
    tasks: list[EvalTask] = []
    where: dict[str, str] = {}
    trees: dict[Path, str] = {}
    for path in paths:
        try:
            lines = path.read_text("utf-8").split("\n")  # a text may hold what else ends lines
        except (OSError, UnicodeDecodeError) as error:
            raise BadSuite(f"{path} cannot be read: {error}") from None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{path}, line {number}"
            try:
                task = _parse_task(line, path.parent, place, trees)
            except (ValueError, OSError, RecursionError) as error:  # a path or a text that nothing takes
                raise BadSuite(f"{place}: {error}") from None
            name = task.row.instance_id
            if name in where:
                raise BadSuite(f"{place}: instance_id {name!r} stands in {where[name]} already")
            where[name] = place
            tasks.append(task)
    if not tasks:
        raise BadSuite(f"{', '.join(map(str, paths))}: no tasks")
    return tasks


def _parse_task(line: str, folder: Path, place: str, trees: dict[Path, str]) -> EvalTask:
    try:
        data = json.loads(line)
        row = SuiteRow.model_validate(data)
    except ValidationError as error:
        raise BadSuite(f"{place}: {'; '.join(map(_render_error, error.errors()))}") from None
    except ValueError as error:
        raise BadSuite(f"{place}: not JSON: {error}") from None
    repo = (folder / row.repo).resolve()
    if not repo.is_dir():
        raise BadSuite(f"{place}: repo {row.repo!r} is no folder (looked at {repo})")
    if is_repository(repo):
        if not row.base_commit or row.fault:
            raise BadSuite(f"{place}: {row.repo!r} is a git repository: it needs base_commit, and no fault")
        tree = ""
    else:
        if row.base_commit:
            raise BadSuite(f"{place}: base_commit is for git repositories, {row.repo!r} is none")
        if repo not in trees:
            trees[repo] = _tree_digest(repo)
        tree = trees[repo]
        for fault in row.fault:
            _check_fault(repo, fault, place)
    canonical = json.dumps(row.model_dump(mode="json"), sort_keys=True)
    digest = hashlib.sha256(f"{canonical}\0{tree}".encode()).hexdigest()[:32]
    return EvalTask(row=row, repo=repo, digest=digest)


def _check_fault(repo: Path, fault: Fault, place: str) -> None:
    file = (repo / fault.path).resolve()
    if not file.is_relative_to(repo) or not file.is_file():
        raise BadSuite(f"{place}: fault: there is no file {fault.path!r} in the project")
    times = file.read_text("utf-8").count(fault.right)
    if times != 1:
        raise BadSuite(f"{place}: fault: {fault.right!r} stands {times} times in {fault.path}, must be once")


def read_packed_files(repo: Path) -> dict[str, bytes]:
    """The files of a packed project by path, without what running it leaves behind."""
    return {
        str(path.relative_to(repo)): path.read_bytes()
        for path in sorted(repo.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


def _tree_digest(repo: Path) -> str:
    digest = hashlib.sha256()
    for path, data in read_packed_files(repo).items():
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _render_error(item: Any) -> str:
    return f"{'.'.join(str(part) for part in item['loc']) or 'the line'}: {item['msg']}"
