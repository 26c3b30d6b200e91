"""``hob solve``: the same attempt on a local git repository, without GitHub and without a database.

The repository is only read, unless ``apply`` is asked for; then the diff goes through ``git apply``, which
leaves everything as it was when it does not fit.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.agent.models.choose import ModelRegistry
from bot.domain import Brief, OutcomeKind, Phase, PromptText, Result, Step, TaskKind
from bot.errors import UserError
from bot.git import program
from bot.git.diff import make_patch
from bot.git.paths import printable_path
from bot.offline.registry import MODELS
from bot.run.attempts.attempt import choose_model_name
from bot.run.attempts.attempt_sink import NullSink
from bot.run.attempts.best_of import AttemptPlan, explain_fewer, limit_attempts, run_best_of
from bot.run.attempts.ranking import FinishedAttempt, Selection
from bot.run.prepare.environment import add_environment
from bot.run.prepare.repository_map import add_map
from bot.text.redact import Redactor
from bot.workspace.agents_md import make_guide, split_guides
from bot.workspace.network import describe_egress
from bot.workspace.workshop import Workshop

Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """The result of the attempt that ranks first; ``seconds`` is the time of all of them.

    ``patch`` is its change as ``git apply`` takes it.
    """

    picked: Selection
    patch: bytes
    seconds: float

    @property
    def result(self) -> Result:
        """Of the chosen attempt."""
        return self.picked.result

    @property
    def passed(self) -> bool:
        """There is a change, and all checks pass on the changed tree."""
        kind = self.result.outcome.kind
        return kind is OutcomeKind.CHANGED and bool(self.result.changes) and self.result.proof.passed

    @property
    def answered(self) -> bool:
        """The request was a question, and it has its answer."""
        return self.result.outcome.kind is OutcomeKind.ANSWERED

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        outcome = self.result.outcome
        return {
            "outcome": outcome.kind.value,
            "title": outcome.title,
            "summary": outcome.summary,
            "diff": self.result.diff,
            "held": [
                {"path": printable_path(each.path), "why": each.why} for each in self.result.changes.held
            ],
            "proof": {
                **asdict(self.result.proof),
                "passed": self.result.proof.passed,
                "state": self.result.proof.state.value,
            },
            "turns": outcome.usage.turns,
            "usage": asdict(outcome.usage),
            "seconds": round(self.seconds, 2),
            "attempts": [_dump_attempt(each, self.picked) for each in self.picked.attempts],
        }


def _dump_attempt(tried: FinishedAttempt, picked: Selection) -> dict[str, Any]:
    """One attempt for ``--json``; the chosen one's own fields are those of the whole."""
    result = tried.result
    return {
        "attempt": tried.ordinal,
        "chosen": tried is picked.chosen,
        "why": picked.why if tried is picked.chosen else "",
        "outcome": result.outcome.kind.value if result else "failed",
        "error": tried.error,
        "passed": bool(result and result.changes and result.proof.passed),
        "diff": result.diff if result else "",
        "usage": asdict(result.outcome.usage) if result else None,
        "seconds": round(tried.seconds, 2),
    }


class ConsoleJournal:
    """The agent's journal for a person at a terminal: the plan's steps as they are taken."""

    def __init__(self, tell: Notify, ordinal: int = 1) -> None:
        self._tell = tell
        self._name = f"attempt {ordinal}: " if ordinal > 1 else ""
        self._told: set[Step] = set()

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Nothing is stored."""

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Nothing is printed: the plan says enough."""

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Print each step's state once."""
        for step in steps:
            if step not in self._told and step.state.value != "todo":
                self._told.add(step)
                self._tell(f"{self._name}{step.state.value}: {step.text}")

    async def read_steering(self) -> list[PromptText]:
        """Always empty: a local run has no thread."""
        return []


async def solve(
    path: Path,
    request: str,
    *,
    workshop: Workshop,
    model: str,
    tell: Notify,
    attempts: int | None = None,
    models: ModelRegistry = MODELS,
) -> Solved:
    """Work on the commit that HEAD of the repository at ``path`` names.

    With ``attempts`` so many are made side by side, else as many as it takes, see ``run.attempts``.

    Raises UserError (not a repository, no commit, a bad hob.yml, a failing setup) and SandboxUnavailable.
    """
    begun = time.monotonic()
    redactor = Redactor()
    repo_id, commit = await workshop.mirror.adopt(path)
    await workshop.linked.adopt(path, repo_id, commit)
    if (depth := await workshop.read_history_depth(repo_id, commit)) > 1:
        await workshop.mirror.adopt(path, commit, depth=depth)
    checkout = await workshop.checkout(repo_id, commit, redactor)
    opening, nearby = split_guides(checkout.guides)
    own = checkout.config.instructions
    guides = (*opening, *([make_guide(".github/hob.yml, instructions", own)] if own else []))
    brief = Brief(
        kind=TaskKind.CHANGE,
        request=request,
        title=request.strip().splitlines()[0][:300] if request.strip() else "",
        texts=guides,
        nearby=nearby,
        test_command=checkout.checks.test,
        lint_command=checkout.checks.lint,
        repository=path.resolve().name,
        stands_at=f"`HEAD` at `{commit[:12]}`",
        internet=describe_egress(checkout.config.internet),
        answerable=(),
        more_tests=checkout.checks.more_tests,
        facts=checkout.facts,
    )

    async def set_phase(phase: Phase) -> None:
        tell(f"phase: {phase.value}")

    name = choose_model_name(checkout, model)
    brief = await add_map(workshop, checkout, brief, name)
    brief = await add_environment(workshop, checkout, brief, name, redactor)
    most = limit_attempts(checkout.config, name, asked=attempts)
    plan = AttemptPlan(
        checkout=checkout,
        brief=brief,
        most=most,
        new_model=lambda: models.choose(name),
        sink=NullSink(lambda ordinal: ConsoleJournal(tell, ordinal)),
        redactor=redactor,
        set_phase=set_phase,
        at_once=attempts is not None,
        remark=explain_fewer(name, asked=attempts, most=most),
    )
    picked = await run_best_of(plan)
    patch = await asyncio.to_thread(make_patch, checkout.repo, checkout.base, picked.result.changes)
    return Solved(picked=picked, patch=patch, seconds=time.monotonic() - begun)


def apply_patch(path: Path, patch: bytes) -> None:
    """Apply the patch to the working tree. Raises UserError, with nothing changed, when it does not fit.

    Git is shown an empty repository of its own with this working tree, so that no filter and no other
    configuration of the repository at ``path`` is run; it refuses paths that lead out, also through links.
    """
    with tempfile.TemporaryDirectory(prefix="hob-apply-") as empty:
        git_dir = Path(empty)
        program.run_now(git_dir, "init", "--quiet", "--bare", "--template=")
        done = subprocess.run(
            [
                *(program.find_git(), f"--git-dir={git_dir}", f"--work-tree={path.resolve()}"),
                *("apply", "--whitespace=nowarn", "-"),
            ],
            env=program.make_environment(),
            cwd=path,
            input=patch,
            capture_output=True,
            check=False,
        )
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise UserError(f"The change does not fit the working tree of {path}, nothing was applied: {words}")
