"""The nouns of Hob: Event, Task, Run, Result, Effect, and the states a task goes through.

An **Event** is what arrived, a **Task** one piece of work asked for on one thread, a **Run** one attempt at a
task under one lease, a **Result** what a run hands over (it never touches GitHub), an **Effect** one outward
write with an idempotency key. All of them are values: frozen, typed, without behaviour that does I/O.
"""

from __future__ import annotations

from bot.domain.brief import Brief, CommentedLines, Limits, PromptText, Suspicion, Trust
from bot.domain.change import ChangeKind, ChangeSet, FileChange, Held
from bot.domain.check_command import CheckCommand, Runner
from bot.domain.event import AddedRepo, Event, Permission, Person, Repo, Thread, Trigger, TriggerKind
from bot.domain.proof import (
    Blocked,
    Check,
    CheckResult,
    Proof,
    ProofState,
    ProofWarning,
    RandomTest,
    ResultSource,
    Traffic,
    Verdict,
)
from bot.domain.proven_change import Fork, ProvenChange
from bot.domain.result import Note, Outcome, OutcomeKind, Release, Reply, Result, Step, StepState, Usage
from bot.domain.task import (
    TERMINAL,
    TRANSITIONS,
    Directive,
    DirectiveWord,
    Effect,
    EffectKind,
    Phase,
    Refusal,
    Request,
    Run,
    Task,
    TaskKind,
    TaskState,
)
from bot.domain.task_end import TaskEnd
from bot.domain.tree_facts import TreeFacts

__all__ = [
    "TERMINAL",
    "TRANSITIONS",
    "AddedRepo",
    "Blocked",
    "Brief",
    "ChangeKind",
    "ChangeSet",
    "Check",
    "CheckCommand",
    "CheckResult",
    "CommentedLines",
    "Directive",
    "DirectiveWord",
    "Effect",
    "EffectKind",
    "Event",
    "FileChange",
    "Fork",
    "Held",
    "Limits",
    "Note",
    "Outcome",
    "OutcomeKind",
    "Permission",
    "Person",
    "Phase",
    "PromptText",
    "Proof",
    "ProofState",
    "ProofWarning",
    "ProvenChange",
    "RandomTest",
    "Refusal",
    "Release",
    "Reply",
    "Repo",
    "Request",
    "Result",
    "ResultSource",
    "Run",
    "Runner",
    "Step",
    "StepState",
    "Suspicion",
    "Task",
    "TaskEnd",
    "TaskKind",
    "TaskState",
    "Thread",
    "Traffic",
    "TreeFacts",
    "Trigger",
    "TriggerKind",
    "Trust",
    "Usage",
    "Verdict",
]
