"""A run's result: the agent's text, the change set, and with them the proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.brief import Suspicion
from bot.domain.change import ChangeSet
from bot.domain.proof import Proof


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
    suspicions: tuple[Suspicion, ...] = ()  # what it read that reads like orders to it, as Hob found


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
