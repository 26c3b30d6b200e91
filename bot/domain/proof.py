"""Proof: the results of the repository's own checks on a change, compared with those on its base."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How one check ended on one tree."""

    PASSED = "passed"
    FAILED = "failed"
    NO_TESTS = "no tests"
    TIMED_OUT = "timed out"
    ERROR = "error"  # could not be run, or its end says nothing


RAN = (Verdict.PASSED, Verdict.FAILED)


class ResultSource(StrEnum):
    """Where a result's counts come from."""

    NONE = ""  # there is no count: the exit code is all that is known
    OUTPUT = "output"  # read from what was printed
    REPORT = "report"  # each test was reported by its runner, outside the command's output


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One command on one tree, in a clean sandbox. ``tail`` is the end of its output, redacted.

    ``note`` says in a sentence without full stop why the verdict is not what the exit code alone would say.
    """

    verdict: Verdict
    exit_code: int | None
    seconds: float
    passed: int = 0
    failed: int = 0
    failing: tuple[str, ...] = ()  # test ids where the runner names them
    tail: str = ""
    skipped: int = 0
    source: ResultSource = ResultSource.NONE
    note: str = ""

    @property
    def counted(self) -> int:
        """How many tests came to an end, skipped ones not among them."""
        return self.passed + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomTest:
    """A test that does not always end the same way: how often it failed of how many runs, on either tree."""

    name: str
    base_failed: int
    base_runs: int
    head_failed: int
    head_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the repository's own checks, run on base and on head by Hob, not claimed by the model.

    Where the change touches tests, there are two more rows: the change's tests on the base's source, and the
    base's tests on the change's source. Tests are named where the runner names them.
    """

    name: str  # as ``CheckCommand.name``
    command: str
    base: CheckResult
    head: CheckResult
    lint: bool = False
    head_tests_on_base: CheckResult | None = None
    base_tests_on_head: CheckResult | None = None
    unmended: tuple[
        str, ...
    ] = ()  # fail on base, not on head, and yet nothing shows that the source mends them
    gone: tuple[str, ...] = ()  # ran on base, and head's run does not name them
    skipped: tuple[str, ...] = ()  # ran on base, are skipped on head
    altered: tuple[str, ...] = ()  # pass on head, and fail there in the form that they have on base
    added: tuple[str, ...] = ()  # new on head, pass there, and do not pass on the base's source
    idle: tuple[str, ...] = ()  # new on head, and pass on the base's source too
    random: tuple[RandomTest, ...] = ()

    @property
    def mended(self) -> tuple[str, ...]:
        """Tests that failed on base and are known to pass on head."""
        if self.head.verdict not in RAN:
            return ()
        out = {*self.head.failing, *self.unmended}
        return tuple(test for test in self.base.failing if test not in out)

    @property
    def broken(self) -> tuple[str, ...]:
        """Tests that fail on head only, and not by chance as far as can be told."""
        out = {*self.base.failing, *(each.name for each in self.random)}
        return tuple(test for test in self.head.failing if test not in out)

    @property
    def there_before(self) -> tuple[str, ...]:
        """Tests that fail on head as they do on base."""
        before = set(self.base.failing)
        return tuple(test for test in self.head.failing if test in before)

    @property
    def is_silent(self) -> bool:
        """Whether it has no result on either side, so that it says nothing about the change."""
        return self.base.verdict not in RAN and self.head.verdict not in RAN

    @property
    def is_worse(self) -> bool:
        """Whether head is not as good as base, or cannot be shown to be."""
        if self.head.verdict is Verdict.PASSED or self.is_silent:
            return False
        if self.head.verdict is not Verdict.FAILED or self.base.verdict is not Verdict.FAILED:
            return True
        return bool(self.broken) or (self.is_unclear and not self.is_style)

    @property
    def is_unclear(self) -> bool:
        """Whether it fails on both sides without naming all that fails, so that head may be worse or not."""
        if self.head.verdict is not Verdict.FAILED or self.base.verdict is not Verdict.FAILED:
            return False
        return not self.head.failing or self.head.failed > max(len(self.head.failing), self.base.failed)

    @property
    def is_style(self) -> bool:
        """Whether it checks style only."""
        return self.lint or self.name == "lint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A request for the network that policy refused. ``allow`` added to ``key`` of hob.yml would allow it."""

    host: str
    port: int
    reason: str
    command: str
    key: str = "internet"
    allow: str = ""  # '' where nothing would

    @property
    def where(self) -> str:
        """What could not be reached: host and port, or as much as is known."""
        return f"{self.host}:{self.port}" if self.port else self.host


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went to one host and came from it: requests that policy allowed, bytes each way."""

    host: str
    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofWarning:
    """Why a proof that passes may still say less than it seems: a sentence, and the names that it is about.

    ``text`` is Hob's own; ``names`` are of the repository (paths, tests) and are shown as code behind it.
    """

    text: str
    names: tuple[str, ...] = ()


class ProofState(StrEnum):
    """The verdict of a whole proof, as comment, check run and dashboard show it."""

    PROVED = "proved"  # every check that ran is as good as on base, and what was asked for is mended
    DOUBTFUL = "doubtful"  # the same, but a warning stands first, or a check came to no result
    PARTLY = "partly"  # nothing is worse, and of the failing tests that were asked for only some are mended
    FAILS = "fails"  # head is worse than base, or the request's own tests still fail
    NOT_RUN = "nothing could be run"  # no check came to a result

    @property
    def icon(self) -> str:
        """A character for each state."""
        return _MARKS[self][0]

    @property
    def conclusion(self) -> str:
        """What GitHub's check run says: https://docs.github.com/en/rest/checks/runs#create-a-check-run."""
        return _MARKS[self][1]


_MARKS = {
    ProofState.PROVED: ("✅", "success"),
    ProofState.DOUBTFUL: ("⚠️", "neutral"),
    ProofState.PARTLY: ("🟡", "neutral"),
    ProofState.FAILS: ("❌", "failure"),
    ProofState.NOT_RUN: ("⚪", "neutral"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was run, on which trees, and what was not run and why.

    ``internet`` says what the checks could reach, '' for nothing; ``blocked`` is what the agent, the setup
    and the checks tried to reach and could not, ``traffic`` what they did reach. ``still_failing`` are tests
    that the request is about; ``left_failing`` those that it may be about, where others are mended.
    """

    base: str = ""
    checks: tuple[Check, ...] = ()
    not_run: tuple[str, ...] = ()
    internet: str = ""
    blocked: tuple[Blocked, ...] = ()
    warnings: tuple[ProofWarning, ...] = ()
    still_failing: tuple[str, ...] = ()
    left_failing: tuple[str, ...] = ()
    traffic: tuple[Traffic, ...] = ()

    @property
    def state(self) -> ProofState:
        """The verdict. Failures that base has too, and that the request is not about, do not lower it."""
        if not self.checks or all(check.is_silent for check in self.checks):
            return ProofState.NOT_RUN
        if self.still_failing or any(check.is_worse for check in self.checks):
            return ProofState.FAILS
        if self.left_failing:
            return ProofState.PARTLY
        silent = any(check.is_silent or check.is_unclear for check in self.checks)
        return ProofState.DOUBTFUL if self.warnings or silent else ProofState.PROVED

    @property
    def passed(self) -> bool:
        """Whether a check has a result and none is worse than on base; see ``state`` and ``warnings`` too."""
        return self.state in (ProofState.PROVED, ProofState.DOUBTFUL, ProofState.PARTLY)

    @property
    def mended_part(self) -> tuple[int, int]:
        """How many failing tests are mended, and of how many that the request may be about.

        By the runners' counts where there are more tests than ``checks`` name.
        """
        tests = [check for check in self.checks if not check.is_style]
        if any(check.base.failed > len(check.base.failing) for check in tests):
            failed = sum(check.base.failed for check in tests)
            return max(0, failed - sum(check.head.failed for check in tests)), failed
        mended = {test for check in tests for test in check.mended}
        return len(mended), len(mended | set(self.left_failing))
