"""A killed run's attempt is resumed: after its last stored turn, if what it was based on is the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import structlog

from bot.agent.transcript import load_past
from bot.domain import Brief
from bot.run.attempts.agent_workspace import Interrupted
from bot.run.attempts.attempt_sink import PlanDisplay
from bot.tasks.attempts import AttemptRecord
from bot.tasks.store import Store
from bot.workspace.checkout import Checkout

log = structlog.get_logger(__name__)

STARTED_OVER = "I could not go on from where I was interrupted ({}), so I started over."


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """What an attempt starts from: ``interrupted`` is None for one that starts at the beginning.

    ``last_steering`` is the id of the last comment on the thread that it knows of.
    """

    interrupted: Interrupted | None = None
    last_steering: int = 0


async def find_resume_point(
    store: Store, progress: PlanDisplay, before: AttemptRecord | None, record: AttemptRecord
) -> ResumePoint:
    """Where the attempt ``record`` starts, which was stored as ``before`` when the last run was killed.

    Users are informed when it is resumed, and when it starts over and why.
    """
    if before is None or before.work_seq < 0:
        return ResumePoint()
    if before.start_digest != record.start_digest:
        return await _start_over(progress, "the code, the thread or the model is another now")
    left = await store.load_unfinished_work(record)
    try:
        load_past(left.records if left else ())
    except ValueError as trouble:
        log.warning("attempt.transcript_unusable", attempt=record.ordinal, error=str(trouble))
        left = None
    if left is None:
        return await _start_over(progress, "what was stored of it is not whole")
    log.info("attempt.resumed", attempt=record.ordinal, turns=len(left.records))
    await progress.add_remark(f"🔁 I was interrupted, and went on after turn {len(left.records)}.")
    return ResumePoint(
        interrupted=Interrupted(history=left.records, changes=left.changes), last_steering=left.last_steering
    )


async def _start_over(progress: PlanDisplay, why: str) -> ResumePoint:
    log.warning("attempt.started_over", reason=why)
    await progress.add_remark("🔁 " + STARTED_OVER.format(why))
    return ResumePoint()


def digest_start(checkout: Checkout, brief: Brief, model: str) -> str:
    """A digest of all that an attempt is based on; one is resumed only where it is the same.

    What the sandbox was seen to have is left out: it is about the machine, and seen again it may differ.
    """
    seen = replace(brief, environment="")
    layers = [layer.name for layer in checkout.layers]
    start = {"base": checkout.base, "layers": layers, "model": model, "brief": asdict(seen)}
    return hashlib.sha256(json.dumps(start, sort_keys=True).encode()).hexdigest()
