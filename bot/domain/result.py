"""A run's result: the agent's text, the change set, the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.change import ChangeSet


class StepState(StrEnum):
    """The state of one step of the plan."""

    TODO = "todo"
    DOING = "doing"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the plan."""

    text: str
    state: StepState = StepState.TODO


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A review comment of the bot on a line of a change (line number on the head side, from 1).

    ``start`` is the first of several lines, 0 for a single one.
    """

    path: str
    line: int
    text: str
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to a review comment's thread. ``fixed``: the change does what the comment asks for."""

    comment: int
    text: str
    fixed: bool = False


class OutcomeKind(StrEnum):
    """How the agent says it ended."""

    CHANGED = "changed"
    ANSWERED = "answered"
    NOTHING = "nothing"  # nothing to do, with the reason
    BLOCKED = "blocked"  # cannot do it, with the reason
    LIMIT = "limit"  # a limit of turns, time or money ended it; what exists is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What thinking cost. Tokens as the provider counts them, ``usd`` 0 where no price is known."""

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The agent's own report: text only. The change set is read from the workspace, not from it."""

    kind: OutcomeKind
    title: str = ""
    summary: str = ""
    plan: tuple[Step, ...] = ()
    notes: tuple[Note, ...] = ()
    replies: tuple[Reply, ...] = ()
    usage: Usage = field(default_factory=Usage)


class Verdict(StrEnum):
    """How one check ended on one tree."""

    PASSED = "passed"
    FAILED = "failed"
    NO_TESTS = "no tests"
    TIMED_OUT = "timed out"
    ERROR = "error"  # could not be run


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One command on one tree, in a clean sandbox. ``tail`` is the end of its output, redacted."""

    verdict: Verdict
    exit_code: int | None
    seconds: float
    passed: int = 0
    failed: int = 0
    failing: tuple[str, ...] = ()  # test ids where the runner names them
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One of the repository's own checks, run on base and on head by Hob, not claimed by the model."""

    name: str  # as ``CheckCommand.name``
    command: str
    base: CheckResult
    head: CheckResult

    @property
    def mended(self) -> tuple[str, ...]:
        """Tests that failed on base and no longer fail on head."""
        if self.head.verdict not in (Verdict.PASSED, Verdict.FAILED):
            return ()
        return tuple(test for test in self.base.failing if test not in self.head.failing)

    @property
    def broken(self) -> tuple[str, ...]:
        """Tests that fail on head only."""
        return tuple(test for test in self.head.failing if test not in self.base.failing)


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
class Proof:
    """What was run, on which trees, and what was not run and why.

    ``internet`` says what the checks could reach, '' for nothing; ``blocked`` is what the agent, the setup
    and the checks tried to reach and could not.
    """

    base: str = ""
    checks: tuple[Check, ...] = ()
    not_run: tuple[str, ...] = ()
    internet: str = ""
    blocked: tuple[Blocked, ...] = ()

    @property
    def passed(self) -> bool:
        """True only when at least one check ran on the changed tree and all of them passed there."""
        return bool(self.checks) and all(check.head.verdict is Verdict.PASSED for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a maintainer may release: ``paths``, what changes in them, and the command that says so.

    ``digest`` is the name of the tree that would come of it, so it is another one for anything else.
    """

    digest: str
    paths: tuple[str, ...]
    diff: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run hands over to publishing. It never touches GitHub itself."""

    outcome: Outcome
    changes: ChangeSet
    proof: Proof
    diff: str = ""
    release: Release | None = None
