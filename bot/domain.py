"""The nouns of Hob: Event, Task, Run, Result, Effect, and the states a task goes through.

An **Event** is what arrived, a **Task** one piece of work asked for on one thread, a **Run** one attempt at a
task under one lease, a **Result** what a run hands over (it never touches GitHub), an **Effect** one outward
write with an idempotency key. All of them are values: frozen, typed, without behaviour that does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TaskKind(StrEnum):
    """What is asked for."""

    CHANGE = "change"  # an issue becomes a pull request
    REVISE = "revise"  # feedback on Hob's own pull request becomes new commits on its branch


class TaskState(StrEnum):
    """Where a task stands. README shows the table below as a picture."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


TRANSITIONS: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.QUEUED: frozenset(
        {TaskState.RUNNING, TaskState.CANCELLED, TaskState.REFUSED, TaskState.SUPERSEDED, TaskState.FAILED}
    ),
    TaskState.RUNNING: frozenset(
        {
            TaskState.QUEUED,
            TaskState.WAITING,
            TaskState.DONE,
            TaskState.FAILED,
            TaskState.CANCELLED,
            TaskState.REFUSED,
            TaskState.SUPERSEDED,
        }
    ),
    TaskState.WAITING: frozenset(
        {TaskState.RUNNING, TaskState.QUEUED, TaskState.CANCELLED, TaskState.FAILED, TaskState.SUPERSEDED}
    ),
    TaskState.DONE: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.CANCELLED: frozenset(),
    TaskState.REFUSED: frozenset(),
    TaskState.SUPERSEDED: frozenset(),
}

TERMINAL: frozenset[TaskState] = frozenset(state for state, after in TRANSITIONS.items() if not after)


class Permission(StrEnum):
    """What a person may do in a repository, as GitHub's collaborator-permission endpoint says it.

    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """

    ADMIN = "admin"
    WRITE = "write"
    READ = "read"
    NONE = "none"

    @property
    def may_write(self) -> bool:
        """Whether the person's words are instructions."""
        return self in (Permission.ADMIN, Permission.WRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A GitHub account. Identity is ``id``: a login can be renamed and taken over."""

    id: int
    login: str
    is_bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository as a webhook names it."""

    id: int
    owner: str
    name: str
    default_branch: str
    clone_url: str
    private: bool = False

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """An issue or a pull request at the moment of the event."""

    number: int
    is_pull: bool
    title: str
    body: str
    author: Person
    url: str
    labels: tuple[str, ...] = ()
    head_ref: str = ""  # of a pull request: its branch, and whose repository it is in
    head_sha: str = ""
    head_repo_id: int = 0
    base_ref: str = ""


class TriggerKind(StrEnum):
    """The entity whose text (or label) asked for work; names the reactions endpoint too."""

    ISSUE = "issue"
    COMMENT = "comment"
    REVIEW = "review"
    REVIEW_COMMENT = "review_comment"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What exactly asked: the snapshot in the signed payload, not what the page says later.

    ``path``, ``line`` and ``hunk`` are set for inline review comments.
    """

    kind: TriggerKind
    id: int
    text: str
    author: Person
    url: str
    at: datetime
    previous_text: str | None = None  # before an edit
    path: str = ""
    line: int = 0
    hunk: str = ""
    reply_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One webhook delivery, parsed. Fields that the event does not carry are ``None``."""

    delivery: str
    name: str
    action: str
    installation: int = 0
    sender: Person | None = None
    repo: Repo | None = None
    thread: Thread | None = None
    trigger: Trigger | None = None
    via_app: int = 0  # performed_via_github_app.id, 0 when a person did it by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that the rules found in an event, before anybody's permission was checked."""

    kind: TaskKind
    request: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The event asks for something that is not done; ``message`` is what the person is told."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work asked for on one thread, as stored."""

    id: int
    kind: TaskKind
    state: TaskState
    installation: int
    repo: Repo
    thread: Thread
    trigger: Trigger
    requester: Person
    request: str
    created_at: datetime
    updated_at: datetime
    attempts: int = 0
    fence: int = 0
    reason: str = ""
    progress_comment: int = 0
    branch: str = ""
    pull: int = 0
    cancel_asked: bool = False

    @property
    def thread_key(self) -> str:
        """One thread is served serially: the lock's name."""
        return f"{self.repo.id}#{self.thread.number}"


class Phase(StrEnum):
    """The parts of the path a run goes through, in order."""

    PREPARE = "prepare"
    THINK = "think"
    PROVE = "prove"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a task under one lease. Every write of a run says ``WHERE fence = fence``."""

    id: int
    task: int
    attempt: int
    fence: int
    worker: str


class ChangeKind(StrEnum):
    """What happened to a path between base and head."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One path of a change set. ``mode`` is git's: 0o100644, 0o100755 or 0o120000 (``data`` is the target).

    ``path`` is relative, ``/``-separated, UTF-8 with surrogate escapes for other bytes.
    """

    path: str
    kind: ChangeKind
    mode: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A path that is kept out of the publication, and why (shown on the pull request)."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What differs from commit ``base``, read from the overlay's upper directory, sorted by path."""

    base: str
    files: tuple[FileChange, ...] = ()
    held: tuple[Held, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files)


class StepState(StrEnum):
    """A line of the plan that people see."""

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
    """A review comment of the bot on a line of its own change (line number on the head side, from 1)."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to a review comment's thread."""

    comment: int
    text: str


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
    """What the agent hands over: words only. The change set is read from the workspace, not from it."""

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

    name: str  # test, lint
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
class Proof:
    """What was run, on which trees, and what was not run and why."""

    base: str = ""
    checks: tuple[Check, ...] = ()
    not_run: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True only when at least one check ran on the changed tree and all of them passed there."""
        return bool(self.checks) and all(check.head.verdict is Verdict.PASSED for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run hands over to publishing. It never touches GitHub itself."""

    outcome: Outcome
    changes: ChangeSet
    proof: Proof
    diff: str = ""


class EffectKind(StrEnum):
    """The outward writes there are."""

    REACTION = "reaction"
    COMMENT = "comment"
    EDIT = "edit"
    PUSH = "push"
    PULL = "pull"
    REVIEW = "review"
    REPLY = "reply"
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One outward write: the intent is recorded under ``key`` before it is done, the answer after."""

    key: str
    kind: EffectKind
    task: int
    done: bool
    answer: Mapping[str, Any] = field(default_factory=dict)


class Trust(StrEnum):
    """How the agent must take a text."""

    INSTRUCTION = "instruction"
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text with its origin. Only words of people who may write are instructions; the rest is data."""

    trust: Trust
    where: str  # "issue #3", "review comment on src/x.py:12", "AGENTS.md"
    author: str
    permission: str
    at: str  # ISO 8601, or ""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that the agent may see of a task."""

    kind: TaskKind
    request: str
    title: str
    passages: tuple[Passage, ...] = ()
    test_command: str = ""
    lint_command: str = ""
    repository: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Checked before each model call; at a limit, what exists is kept and said."""

    turns: int = 60
    seconds: float = 1800.0
    usd: float = 5.0
    tokens: int = 2_000_000
