"""Parses what the tools printed: the end of a test run, and the one line of JSON that the search prints."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

RESULT = "HOB-MEND-RESULT "
EXAMPLES = "HOB-EXAMPLES-RESULT "
MOST_FAILED = 40  # failing tests of a run before that the search is told

_STATUS = re.compile(r"\A\[exit code (-?\d+)")
_CHECKED = re.compile(r"`: (passed|failed|error|timed out|no tests)(?: \(exit code (-?\d+)\))?, ")
_FAILING = "failing: "
_TOOK = re.compile(r"\A\[[^\]\n]{0,200}?(?<!\d)(\d{1,12}(?:\.\d{1,12})?) s\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRunResult:
    """How a run of the tests ended; ``code`` is None when it was killed or not run at all.

    ``verdict`` is what the tool ``check`` says of it, '' where ``shell`` ran it. Its "error" is about what
    can be relied on, as where a suite changes files of the repository: the exit code says how tests went.
    """

    __test__ = False  # not a test case of pytest's, for all its name

    code: int | None
    output: str
    seconds: float = 0.0
    verdict: str = ""

    @property
    def passed(self) -> bool:
        """The exit code says so, and no test is reported that fails."""
        return self.code == 0 and self.verdict != "failed"

    @property
    def failed(self) -> tuple[str, ...]:
        """The ids of tests that are named as failed, the first ``MOST_FAILED`` of them."""
        lines = self.output.splitlines()
        named = [line.removeprefix(_FAILING) for line in lines[1:2] if line.startswith(_FAILING)]
        found = [each for line in named for each in re.split(r", (?=[^\s,]{1,300}::)", line)]
        found = [re.sub(r" and \d+ more\Z", "", each) for each in found]
        summary = [line for line in lines if line.startswith("FAILED ") and "::" in line]
        found += [line.removeprefix("FAILED ").split(" - ")[0] for line in summary]
        return tuple(dict.fromkeys(found))[:MOST_FAILED]

    @property
    def tail(self) -> str:
        """The last lines that say something."""
        lines = [line for line in self.output.splitlines()[1:] if line.strip()]
        return "\n".join(lines[-12:])


def read_test_run(text: str) -> TestRunResult:
    """The answer of the tool ``shell``."""
    status = _STATUS.match(text)
    took = _TOOK.match(text)
    code, seconds = int(status.group(1)) if status else None, float(took.group(1)) if took else 0.0
    return TestRunResult(code=code, output=text, seconds=seconds)


def read_own_tests(text: str, command: str) -> TestRunResult:
    """A run of ``command``, the repository's own tests, by ``shell`` or by ``check``."""
    lines = text.splitlines()
    if lines and lines[0].startswith("[held back"):
        del lines[0]
    _, named, rest = lines[0].partition(f"`{command}") if lines else ("", "", "")
    found = _CHECKED.match(rest) if named and not lines[0].startswith("[") else None
    if found is None:
        return read_test_run(text)
    code = int(found[2]) if found[2] else 0 if found[1] == "passed" else None
    return TestRunResult(code=code, output="\n".join(lines), verdict=found[1])


class _MendModel(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FoundEdit(_MendModel):
    """One place to change: whole lines, ``old`` enough of the text to be found once in the file."""

    path: str
    line: int
    before: str = ""
    after: str = ""
    old: str
    new: str


class MendPart(_MendModel):
    """Which template made the change, and where."""

    template: str
    path: str
    line: int
    function: str = ""


class SuiteBefore(_MendModel):
    """The suite before the change."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    failing: list[str] = []
    beyond: list[str] = []
    unasked: list[str] = []
    unasked_count: int = 0
    not_run: int = 0
    flaky: list[str] = []
    errors: list[dict[str, object]] = []
    command: str = ""  # what stands for a test where no single tests are reported


class Failure(_MendModel):
    """The first failure: its test, exception and message."""

    test: str = ""
    type: str = ""
    text: str = ""


class ReportedSuspect(_MendModel):
    """A line under suspicion."""

    path: str
    line: int
    function: str = ""
    text: str = ""


class SearchEffort(_MendModel):
    """How much was tried."""

    ranked: int = 0
    tried: int = 0


class RivalChange(_MendModel):
    """Another change that passes the tests, and a call for which it gives something else."""

    path: str = ""
    line: int = 0
    after: str = ""
    call: str = ""
    this: str = ""
    other: str = ""


class StrangeCall(_MendModel):
    """A call that gave a value before the change and ends in an exception with it."""

    call: str = ""
    before: str = ""
    now: str = ""


class SameLine(_MendModel):
    """A line that says what the wrong one said."""

    path: str
    line: int


class MendResult(_MendModel):
    """What the search found, or why it found nothing."""

    outcome: str
    reason: str = ""
    tests: SuiteBefore = SuiteBefore()
    failure: Failure = Failure()
    suspects: list[ReportedSuspect] = []
    search: SearchEffort = SearchEffort()
    edits: list[FoundEdit] = []
    parts: list[MendPart] = []
    turned: list[str] = []
    turned_count: int = 0
    others: int = 0
    calls: int = 0  # by which this change and the others were compared, and found to be the same
    covering: int | None = None  # passing tests that run the changed lines; None: not counted
    twins: list[SameLine] = []
    borrowed: list[str] = []  # values that the change has from the failing tests
    rival: RivalChange | None = None
    strange: StrangeCall | None = None
    unsure: list[FoundEdit] = []  # a change that passes and is not claimed; ``reason`` says why
    seconds: float = 0.0


class ReportedExample(_MendModel):
    """A call that the request shows: it fails, holds, is unclear or unknown; ``why`` has the reason."""

    call: str
    expected: str = ""
    expected_error: str = ""
    state: str = "unknown"
    why: str = ""
    now: str = ""


class ExamplesResult(_MendModel):
    """How the request's examples end now; ``path`` and ``text`` of a new file with ``tests`` of them."""

    examples: list[ReportedExample] = []
    shown_by: list[str] = []
    path: str = ""
    text: str = ""
    tests: list[str] = []

    @property
    def meant(self) -> list[str]:
        """Ids of the tests that say what the request says."""
        return [*self.shown_by, *self.tests]


ModelT = TypeVar("ModelT", bound=_MendModel)


def read_mend_result(text: str) -> MendResult | None:
    """Parse the search's result from the shell tool's answer; None when it has none."""
    return _read_result(text, RESULT, MendResult)


def read_examples_result(text: str) -> ExamplesResult | None:
    """Parse what became of the request's examples; None when the answer does not have it."""
    return _read_result(text, EXAMPLES, ExamplesResult)


def _read_result(text: str, mark: str, kind: type[ModelT]) -> ModelT | None:
    lines = [line for line in text.splitlines() if line.startswith(mark)]
    if not lines:
        return None
    try:
        return kind.model_validate(json.loads(lines[-1].removeprefix(mark)))
    except (ValueError, ValidationError):
        return None
