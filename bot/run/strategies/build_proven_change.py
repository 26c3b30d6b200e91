"""A proven change from what was prepared and the result that came of it."""

from __future__ import annotations

from bot.domain import ProvenChange, Result
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared


def build_proven_change(
    job: Job,
    prepared: Prepared,
    result: Result,
    *,
    head: str | None,
    ordinal: int,
    hidden: tuple[str, ...] = (),
    root: int = 0,
    choice: str = "",
) -> ProvenChange:
    """What is stored and then published: ``result`` on the branch that was prepared, which is at ``head``."""
    return ProvenChange(
        result=result,
        branch=prepared.branch,
        head=head,
        hidden=hidden,
        run_url=job.run_url,
        ordinal=ordinal,
        root=root,
        fork=prepared.fork,
        protected=prepared.checkout.config.protected_paths,
        choice=choice,
        prefix=prepared.prefix,
    )
