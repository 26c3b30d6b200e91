"""A Task and its states, a Run under one lease, an Effect outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.event import Event, Person, Repo, Thread, Trigger


class TaskKind(StrEnum):
    """What is asked for."""

    CHANGE = "change"  # an issue becomes a pull request
    REVISE = "revise"  # feedback on Hob's own pull request becomes new commits on its branch
    REVIEW = "review"  # anybody's pull request gets one review with remarks on its lines
    ANSWER = "answer"  # a question gets an answer

    @property
    def produces_only_text(self) -> bool:
        """Whether the result is text only: changes in the workspace are dropped."""
        return self in (TaskKind.REVIEW, TaskKind.ANSWER)


class TaskState(StrEnum):
    """The state of a task. README shows the table below as a picture."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"


# Every step that a task can take, and what takes it. Whatever moves a task in the database asks this table
# (``bot.tasks.transitions.change_state``), and a test drives each step through the code that takes it.
TRANSITIONS: Mapping[TaskState, Mapping[TaskState, str]] = {
    TaskState.QUEUED: {
        TaskState.RUNNING: "a worker claims it",
        TaskState.CANCELLED: "a person stops it",
    },
    TaskState.RUNNING: {
        TaskState.QUEUED: "it is retried, or its worker died or shut down",
        TaskState.WAITING: "a rate limit or a budget has to pass",
        TaskState.DONE: "it is published or answered",
        TaskState.FAILED: "it cannot be done, or was retried too often",
        TaskState.CANCELLED: "a person stops it",
        TaskState.REFUSED: "what was to be approved is not there",
    },
    TaskState.WAITING: {
        TaskState.QUEUED: "the wait is over",
        TaskState.CANCELLED: "a person stops it",
    },
    TaskState.DONE: {},
    TaskState.FAILED: {},
    TaskState.CANCELLED: {},
    TaskState.REFUSED: {},
}


TERMINAL: frozenset[TaskState] = frozenset(state for state, after in TRANSITIONS.items() if not after)


class DirectiveWord(StrEnum):
    """What a command may ask for besides a request in plain language."""

    TRY = "try"  # so many attempts at a request
    USE = "use"  # publish a stored attempt
    APPROVE = "approve"  # publish what was held back


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """``@hob try 3``, ``@hob use 2``: ``number`` attempts, or the attempt ``number``, of task ``of``.

    ``of`` is 0 where there is no earlier task: then the attempts are the task's own. ``digest`` is the
    beginning of the name of the tree that a maintainer approves (``@hob approve 3f2a...``).
    """

    word: DirectiveWord
    number: int = 0
    of: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that the rules found in an event, before anybody's permission was checked."""

    kind: TaskKind
    request: str
    event: Event
    directive: Directive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that is refused; ``message`` is shown to the person.

    ``detail`` is stored in its place, where it says more.
    """

    reason: str
    message: str = ""
    detail: str = ""


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
    leases_taken: int = 0
    fence: int = 0
    reason: str = ""
    progress_comment: int = 0
    branch: str = ""
    pull: int = 0
    cancel_asked: bool = False
    cancel_reason: str = ""  # '' where a person asked for it
    directive: Directive | None = None
    delivery: str = ""  # the GUID of the delivery that asked for it

    @property
    def root(self) -> int:
        """The id of the task whose request its attempts are for: an earlier one's, or its own."""
        return (self.directive.of if self.directive else 0) or self.id

    @property
    def thread_key(self) -> str:
        """The name of the thread's lock: one run per thread at a time."""
        return f"{self.repo.id}#{self.thread.number}"


class Phase(StrEnum):
    """The parts of the path a run goes through, in order."""

    PREPARE = "prepare"
    THINK = "think"
    PROVE = "prove"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The work on a task under one lease. Every write of a run says ``WHERE fence = fence``."""

    id: int
    task: int
    fence: int
    worker: str


class EffectKind(StrEnum):
    """The kinds of writes to GitHub."""

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
