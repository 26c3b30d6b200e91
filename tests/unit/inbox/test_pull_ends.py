"""Pull requests that end: Hob's own, and those that revert one."""

from __future__ import annotations

import pytest

from bot.inbox.decision import Decision, PullEnded
from bot.inbox.routes import decide
from tests.support.payloads import ALICE, APP, BOT, Json, envelope, event, pull


def decide_on_end(
    *, author: Json = ALICE, text: str = "", merged: bool = False, sender: Json = ALICE
) -> Decision:
    closed = pull(author, body=text, merged=merged, state="closed")
    return decide(
        event("pull_request", envelope("closed", sender, pull_request=closed)), app=APP, label="hob"
    )


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("sender", [ALICE, BOT])
def test_an_own_pull_request_that_ended_is_noted(merged: bool, sender: Json) -> None:
    decision = decide_on_end(author=BOT, merged=merged, sender=sender)
    assert isinstance(decision, PullEnded) and decision.is_own
    assert decision.event.merged is merged


@pytest.mark.parametrize(
    ("text", "reverts"),
    [
        ("Reverts octo/app#12", 12),
        ("Reverts #12\n\nIt broke.", 12),
        ("Reverts other/app#12", 0),
        ("This reverts octo/app#12", 0),
        ("Reverts octo/app#12345678901", 0),
        ("Reverts octo/app#12abc", 0),
    ],
)
def test_a_merged_revert_names_what_it_reverts(text: str, reverts: int) -> None:
    for merged in (True, False):
        decision = decide_on_end(text=text, merged=merged)
        assert isinstance(decision, PullEnded) and not decision.is_own
        assert decision.reverts == (reverts if merged else 0)
