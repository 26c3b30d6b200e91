"""Which rule decides about which event. This table is all that the bot reacts to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.domain import Event
from bot.inbox.decision import AppIdentity, Decision, Ignored
from bot.inbox.rules import checks, comments, discussions, gone, installations, issues, labels, pulls, reviews


class Rule(Protocol):
    """Pure: the same event always gets the same decision."""

    def __call__(self, event: Event, *, app: AppIdentity, label: str) -> Decision:
        """What is to be done about ``event``."""
        ...


ROUTES: Mapping[tuple[str, str], Rule] = {
    ("issues", "opened"): issues.decide,
    ("issues", "edited"): issues.decide,
    ("issues", "labeled"): labels.decide,
    ("issues", "deleted"): gone.decide,
    ("issues", "transferred"): gone.decide,
    ("issue_comment", "created"): comments.decide,
    ("issue_comment", "edited"): comments.decide,
    ("pull_request", "opened"): comments.decide,
    ("pull_request", "labeled"): labels.decide,
    ("pull_request", "closed"): pulls.decide,
    ("pull_request_review", "submitted"): reviews.decide,
    ("pull_request_review", "edited"): reviews.decide,
    ("pull_request_review_comment", "created"): reviews.decide,
    ("pull_request_review_comment", "edited"): reviews.decide,
    ("discussion", "created"): discussions.decide,
    ("discussion_comment", "created"): discussions.decide,
    ("discussion_comment", "edited"): discussions.decide,
    ("discussion", "deleted"): gone.decide,
    ("discussion", "transferred"): gone.decide,
    ("check_run", "completed"): checks.decide,
    ("check_run", "requested_action"): checks.decide,
    ("check_run", "rerequested"): checks.decide,
    ("check_suite", "rerequested"): checks.decide_on_rerequest,
    ("installation", "created"): installations.decide,
    ("installation_repositories", "added"): installations.decide,
    ("installation_repositories", "removed"): installations.decide,
    ("installation", "deleted"): installations.decide,
    ("installation", "suspend"): installations.decide,
}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on any event; one that no rule is about is ignored."""
    rule = ROUTES.get((event.name, event.action))
    if rule is None:
        return Ignored(reason=f"no rule for {event.name} {event.action}".strip()[:200])
    return rule(event, app=app, label=label)
