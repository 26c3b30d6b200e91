"""Check runs: a button on one of Hob's own is a person's request, another app's failure an automatic one.

Only a failure on a branch of Hob's own is looked at further; whether the pull request broke it is judged with
GitHub's help (``failing_checks``). A check that is asked for again is no request: its result is shown again
(``rerun``), since GitHub keeps it queued until the app says something.
"""

from __future__ import annotations

from bot.domain import Event, Request, TaskKind
from bot.domain.check_trigger import FAILURES, FIX, STOP
from bot.inbox.commands.parse import CommandWord
from bot.inbox.decision import (
    AppIdentity,
    CheckFailed,
    ChecksRerequested,
    Command,
    Decision,
    ForkButton,
    Ignored,
)

FIX_REQUEST = "The checks do not pass on this pull request. Find out why, and make them pass."


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a check run that was completed or whose button was pressed."""
    if event.trigger is None or event.thread is None or event.sender is None:
        return Ignored(reason="nobody sent it")
    if event.action == "requested_action":
        return decide_on_button(event, app)
    if event.action == "rerequested":
        return decide_on_rerequest(event, app=app, label=label)
    if event.via_app == app.id:
        return Ignored(reason="own doing")
    if event.trigger.text not in FAILURES:
        return Ignored(reason="no failure")
    return CheckFailed(event=event)


def decide_on_rerequest(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a check run, or a suite of them, that somebody wants to be run again."""
    return (
        ChecksRerequested(event=event) if event.via_app == app.id else Ignored(reason="another app's check")
    )


def decide_on_button(event: Event, app: AppIdentity) -> Decision:
    """The decision on a button; ``ForkButton`` where the event does not tell the pull request."""
    if event.via_app != app.id or event.trigger is None or event.thread is None:
        return Ignored(reason="another app's button")
    if event.sender is None or event.sender.is_bot:
        return Ignored(reason="sent by a bot")
    if not event.thread.number:
        return ForkButton(event=event)
    if event.trigger.text == STOP:
        return Command(word=CommandWord.STOP, event=event)
    if event.trigger.text == FIX:
        return Request(kind=TaskKind.REVISE, request=FIX_REQUEST, event=event)
    return Ignored(reason="an unknown button")
