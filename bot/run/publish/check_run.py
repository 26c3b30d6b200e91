"""Check runs: one in progress while Hob works on a pull request, and the proof on the resulting commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.domain import Check, EffectKind, Proof, Task, TaskKind, TaskState
from bot.domain.check_trigger import FIX, STOP
from bot.domain.own_checks import AT_WORK, CONCLUSIONS, PROOF
from bot.domain.proof import ProofState
from bot.github.answers import CheckRun
from bot.github.app import RepoApi
from bot.github.graphql.together import CheckRunDraft
from bot.github.http.responses import NotFound
from bot.run.messages.progress_comment import render_at_work
from bot.run.messages.proof import render_mended_part, render_proof
from bot.run.publish.context import PublishContext

MOST_ANNOTATIONS = 100
STOP_BUTTON = {"label": "Stop", "description": "End this work", "identifier": STOP}
FIX_BUTTON = {"label": "Fix this", "description": "Have Hob make the checks pass", "identifier": FIX}
PROOF_TITLES = {  # of all states but PARTLY, which counts
    ProofState.PROVED: "Proved: the repository's own checks pass on this change",
    ProofState.DOUBTFUL: "The repository's own checks pass on this change, but read the warning",
    ProofState.FAILS: "The proof fails: not all of the repository's own checks pass on this change",
    ProofState.NOT_RUN: "Nothing could be run to prove this change",
}


def check_run_key(task: Task) -> str:
    """The effect's key of the check run that shows the work."""
    return f"task:{task.id}:at-work"


async def start_check_run(context: PublishContext) -> int | None:
    """Show on the pull request's commit that Hob is at work on it; the check run's id, None for none."""
    task = context.task
    head = task.thread.head_sha
    if task.kind is not TaskKind.REVISE or not head:
        return None
    made = await context.effects.once_as(
        CheckRun,
        check_run_key(task),
        EffectKind.CHECK,
        find=lambda: context.api.checks.find(head, AT_WORK, str(task.id)),
        do=lambda: context.api.checks.create(
            head,
            AT_WORK,
            "in_progress",
            title="At work on this pull request",
            summary=render_at_work(context.run_url),
            external_id=str(task.id),
            details_url=context.run_url,
            actions=[STOP_BUTTON],
        ),
    )
    return made.id


async def finish_check_run(api: RepoApi, check_run: int, state: TaskState, text: str) -> None:
    """Write on the check run how the work ended; one that is gone with its commit is ignored."""
    try:
        await api.checks.update(
            check_run,
            "completed",
            CONCLUSIONS.get(state, "failure"),
            title=f"The work ended: {state.value}",
            summary=text,
        )
    except NotFound:
        return


def draft_proof(context: PublishContext, sha: str, proof: Proof) -> CheckRunDraft:
    """The proof as a check run of the commit, with a button where it does not pass."""
    state = proof.state
    return CheckRunDraft(
        head_sha=sha,
        name=PROOF,
        conclusion=state.conclusion,
        title=f"{state.icon} {name_proof(proof)}",
        summary=context.safe(render_proof(proof)),
        external_id=str(context.task.id),
        details_url=context.run_url,
        annotations=annotate_tests(proof.checks, context.safe),
        actions=[FIX_BUTTON] if state in (ProofState.FAILS, ProofState.PARTLY) else [],
    )


def name_proof(proof: Proof) -> str:
    """The title of a proof's check run, without its mark."""
    if proof.state is ProofState.PARTLY:
        part = render_mended_part(proof)
        return f"{part[:1].upper()}{part[1:]}, and breaks none"
    return PROOF_TITLES[proof.state]


def annotate_tests(checks: Sequence[Check], safe: Callable[[str], str]) -> list[dict[str, Any]]:
    """An annotation for each failing test that names its file: a failure where only this change fails it.

    Test runners do not report lines in one way, so each annotation is on the first line.
    """
    marks = []
    for check in checks:
        broken = set(check.broken)
        for test in check.head.failing:
            path, colons, name = test.partition("::")
            if not colons or path.startswith("/") or ".." in path.split("/"):
                continue
            ours = test in broken
            marks.append(
                {
                    "path": safe(path),
                    "start_line": 1,
                    "end_line": 1,
                    "annotation_level": "failure" if ours else "warning",
                    "title": safe(name)[:200],
                    "message": "Fails with this change only." if ours else "Fails on the base too.",
                }
            )
    return marks[:MOST_ANNOTATIONS]
