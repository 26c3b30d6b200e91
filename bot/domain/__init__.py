"""The nouns of Hob: Event, Task, Run, Result, Effect, and the states a task goes through.

An **Event** is what arrived, a **Task** one piece of work asked for on one thread, a **Run** one attempt at a
task under one lease, a **Result** what a run hands over (it never touches GitHub), an **Effect** one outward
write with an idempotency key. All of them are values: frozen, typed, without behaviour that does I/O.
"""

from __future__ import annotations

from bot.domain.brief import Brief, Limits, Passage, Spot, Trust
from bot.domain.change import ChangeKind, ChangeSet, FileChange, Held
from bot.domain.event import Event, Permission, Person, Repo, Thread, Trigger, TriggerKind
from bot.domain.result import (
    Blocked,
    Check,
    CheckResult,
    Note,
    Outcome,
    OutcomeKind,
    Proof,
    Release,
    Reply,
    Result,
    Step,
    StepState,
    Usage,
    Verdict,
)
from bot.domain.task import (
    TERMINAL,
    TRANSITIONS,
    Asked,
    Directive,
    DirectiveWord,
    Effect,
    EffectKind,
    Phase,
    Refusal,
    Run,
    Task,
    TaskKind,
    TaskState,
)

__all__ = [
    "TERMINAL",
    "TRANSITIONS",
    "Asked",
    "Blocked",
    "Brief",
    "ChangeKind",
    "ChangeSet",
    "Check",
    "CheckResult",
    "Directive",
    "DirectiveWord",
    "Effect",
    "EffectKind",
    "Event",
    "FileChange",
    "Held",
    "Limits",
    "Note",
    "Outcome",
    "OutcomeKind",
    "Passage",
    "Permission",
    "Person",
    "Phase",
    "Proof",
    "Refusal",
    "Release",
    "Reply",
    "Repo",
    "Result",
    "Run",
    "Spot",
    "Step",
    "StepState",
    "Task",
    "TaskKind",
    "TaskState",
    "Thread",
    "Trigger",
    "TriggerKind",
    "Trust",
    "Usage",
    "Verdict",
]
