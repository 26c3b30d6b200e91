"""Which rule decides about which event. This table is all that the bot reacts to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.domain import Event
from bot.inbox import rules_checks, rules_comments, rules_installs, rules_issues, rules_labels, rules_reviews
from bot.inbox.decision import AppIdentity, Decision, Ignored


class Rule(Protocol):
    """Pure: the same event always gets the same decision."""

    def __call__(self, event: Event, *, app: AppIdentity, label: str) -> Decision:
        """What is to be done about ``event``."""
        ...


ROUTES: Mapping[tuple[str, str], Rule] = {
    ("issues", "opened"): rules_issues.decide,
    ("issues", "edited"): rules_issues.decide,
    ("issues", "labeled"): rules_labels.decide,
    ("issue_comment", "created"): rules_comments.decide,
    ("issue_comment", "edited"): rules_comments.decide,
    ("pull_request", "opened"): rules_comments.decide,
    ("pull_request", "labeled"): rules_labels.decide,
    ("pull_request_review", "submitted"): rules_reviews.decide,
    ("pull_request_review", "edited"): rules_reviews.decide,
    ("pull_request_review_comment", "created"): rules_reviews.decide,
    ("pull_request_review_comment", "edited"): rules_reviews.decide,
    ("check_run", "completed"): rules_checks.decide,
    ("check_run", "requested_action"): rules_checks.decide,
    ("installation", "deleted"): rules_installs.decide,
    ("installation", "suspend"): rules_installs.decide,
}


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on any event; one that no rule is about is ignored."""
    rule = ROUTES.get((event.name, event.action))
    if rule is None:
        return Ignored(reason=f"no rule for {event.name} {event.action}".strip()[:200])
    return rule(event, app=app, label=label)
