"""Which of the stored attempts count for a run: those on the very commit that it works on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import ChangeSet, Outcome, OutcomeKind
from bot.moderation.rules import RuleModerator
from bot.run.attempts.attempt_store import AttemptStore
from bot.run.publish.progress_comment import ProgressComment
from bot.run.publish.published_plan import PublishedPlan
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from tests.support.git import commit
from tests.support.tasks import make_request


@pytest.fixture
async def checkout(tmp_path: Path, home: Path) -> Checkout:
    commit(tmp_path / "calc", {"calc.py": "x = 1\n"})
    workshop = Workshop(home)
    repo, sha = await workshop.mirror.adopt(tmp_path / "calc")
    return await workshop.checkout(repo, sha, Redactor())


async def test_an_attempt_on_another_commit_is_made_again(store: Store, checkout: Checkout) -> None:
    """Its own task's too: the branch has moved between two of its runs."""
    claim = await store.claim((await store.add_task(make_request())).id, "w")
    assert claim
    task, run = claim
    one = await store.begin_attempt(run, base=checkout.base, start_digest="g")
    said, nothing = Outcome(kind=OutcomeKind.CHANGED, summary="s"), ChangeSet(base=checkout.base)
    await store.end_attempt(run, one.id, AttemptState.ENDED, outcome=said, changes=nothing)
    comment = ProgressComment.__new__(ProgressComment)  # nothing is shown
    progress = PublishedPlan(store, run, comment, Redactor(), RuleModerator(), edit_seconds=60)
    found = [
        await AttemptStore(
            store, run, task, progress, Redactor(), replace(checkout, base=base)
        ).list_finished()
        for base in (checkout.base, "c" * 40)
    ]
    assert [[each.ordinal for each in finished] for finished in found] == [[1], []]
