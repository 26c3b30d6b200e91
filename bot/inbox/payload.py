"""A delivery's body -> Event. Pure and total: anything that is not what GitHub sends is a `BadPayload`.

The only place that knows the field names of https://docs.github.com/en/webhooks/webhook-events-and-payloads.
An event that no rule is about is not looked into: its name and action are all that is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.domain import AddedRepo, Event, Repo, Thread, Trigger, TriggerKind
from bot.github.answers import GHOST, Pull, read_person
from bot.text.json_fields import BadPayload, Fields, load

__all__ = [
    "BadPayload",
    "find_subject_url",
    "is_by_app",
    "is_of_repository",
    "may_be_by_app",
    "names_person",
    "parse",
    "pull_thread",
]

# Under which name an event's payload has what it is about, as a person finds it on a page.
_SUBJECTS = {
    "issues": "issue",
    "issue_comment": "comment",
    "pull_request": "pull_request",
    "pull_request_review": "review",
    "pull_request_review_comment": "comment",
    "discussion": "discussion",
    "discussion_comment": "comment",
}
EPOCH = datetime.fromtimestamp(0, UTC)


def parse(delivery: str, name: str, body: bytes) -> Event:
    """The event in a signed body. ``name`` is the ``X-GitHub-Event`` header, ``delivery`` the GUID."""
    payload = load(body)
    reader = _READERS.get(name)
    if reader is None:
        return Event(delivery=delivery, name=name, action=_action_at_best(payload))
    event = Event(delivery=delivery, name=name, action=payload.text("action", ""))
    return reader(payload, _common(payload, event))


def find_subject_url(name: str, payload: Mapping[str, Any]) -> str:
    """The address of the issue, pull request, comment or review that an event is about, '' without one."""
    subject = payload.get(_SUBJECTS.get(name, ""))
    url = subject.get("html_url") if isinstance(subject, Mapping) else None
    return url if isinstance(url, str) else ""


def is_by_app(name: str, payload: Mapping[str, Any], app_id: int) -> bool:
    """Whether an event is certainly about what the app itself did: a comment of its own, a check that it ran.

    Every rule ignores those. What a person did through the app (``performed_via_github_app``) is not.
    """
    if name == "check_run" and may_be_by_app(name, str(payload.get("action"))):
        return app_id != 0 and _read(payload, "check_run", "app", "id") == app_id
    if name != "issue_comment" or _read(payload, "comment", "performed_via_github_app", "id") != app_id:
        return False
    sender, author = _read(payload, "sender", "id"), _read(payload, "comment", "user", "id")
    return app_id != 0 and _read(payload, "sender", "type") == "Bot" and sender == author


def may_be_by_app(name: str, action: str) -> bool:
    """Whether ``is_by_app`` can be true of an event of this name and action."""
    return name == "issue_comment" or (name, action) == ("check_run", "completed")


def _read(value: Any, *names: str) -> Any:
    """What stands under these names, one within the other; None where something else does."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def is_of_repository(body: bytes, full_name: str) -> bool:
    """Whether a stored delivery is about the repository of this name, in any case."""
    about = json.loads(body).get("repository")
    name = about.get("full_name") if isinstance(about, dict) else None
    return isinstance(name, str) and name.lower() == full_name.lower()


def names_person(body: bytes, login: str) -> bool:
    """Whether a stored delivery has the account of this name anywhere, in any case."""
    return f'"login": {json.dumps(login.lower())}' in json.dumps(json.loads(body)).lower()


def pull_thread(pull: Pull) -> Thread:
    """The thread that a pull request is."""
    return Thread(
        number=pull.number,
        is_pull=True,
        title=pull.title,
        body=pull.body,
        author=pull.author,
        url=pull.url,
        labels=pull.labels,
        head_ref=pull.head.ref,
        head_sha=pull.head.sha,
        head_repo_id=pull.head.repo_id or 0,
        base_ref=pull.base.ref,
    )


def _action_at_best(payload: Fields) -> str:
    try:
        return payload.text("action", "")
    except BadPayload:
        return ""


def _common(payload: Fields, event: Event) -> Event:
    """What every event of an app carries beside its own object."""
    installation, sender, repo = (payload.maybe(name) for name in ("installation", "sender", "repository"))
    return replace(
        event,
        installation=installation.number("id") if installation else 0,
        sender=read_person(sender),
        repo=_repo(repo) if repo else None,
    )


def _issues(payload: Fields, event: Event) -> Event:
    issue = payload.object("issue")
    thread = _issue(issue)
    if event.action == "labeled":
        return replace(event, thread=thread, trigger=_label(payload, issue, event))
    return replace(
        event, thread=thread, trigger=_opening(payload, issue, thread, event), via_app=_via_app(issue)
    )


def _pull_request(payload: Fields, event: Event) -> Event:
    pull = payload.object("pull_request")
    thread = _pull(pull)
    if event.action == "labeled":
        return replace(event, thread=thread, trigger=_label(payload, pull, event))
    return replace(
        event,
        thread=thread,
        trigger=_opening(payload, pull, thread, event),
        via_app=_via_app(pull),
        merged=pull.flag("merged"),
    )


def _issue_comment(payload: Fields, event: Event) -> Event:
    comment = payload.object("comment")
    thread, trigger = _issue(payload.object("issue")), _comment_trigger(payload, comment, event)
    return replace(event, thread=thread, trigger=trigger, via_app=_via_app(comment))


def _comment_trigger(payload: Fields, comment: Fields, event: Event) -> Trigger:
    return Trigger(
        kind=TriggerKind.COMMENT,
        id=comment.number("id"),
        text=comment.text("body", ""),
        author=read_person(comment.maybe("user")),
        url=comment.text("html_url"),
        at=_moment(comment, event),
        previous_text=_previous(payload),
    )


def _discussion(payload: Fields, event: Event) -> Event:
    discussion = payload.object("discussion")
    thread = _discussion_thread(discussion)
    return replace(event, thread=thread, trigger=_opening(payload, discussion, thread, event))


def _discussion_comment(payload: Fields, event: Event) -> Event:
    thread = _discussion_thread(payload.object("discussion"))
    return replace(event, thread=thread, trigger=_comment_trigger(payload, payload.object("comment"), event))


def _discussion_thread(discussion: Fields) -> Thread:
    return replace(_issue(discussion), is_discussion=True)


def _pull_request_review(payload: Fields, event: Event) -> Event:
    review = payload.object("review")
    pull = payload.object("pull_request")
    trigger = Trigger(
        kind=TriggerKind.REVIEW,
        id=review.number("id"),
        text=review.text("body", ""),
        author=read_person(review.maybe("user")),
        url=review.text("html_url"),
        # a pending or dismissed review may have no time of its own
        at=review.time("submitted_at") if review.has("submitted_at") else pull.time("updated_at"),
        previous_text=_previous(payload),
    )
    return replace(event, thread=_pull(pull), trigger=trigger, via_app=_via_app(review))


def _pull_request_review_comment(payload: Fields, event: Event) -> Event:
    comment = payload.object("comment")
    trigger = Trigger(
        kind=TriggerKind.REVIEW_COMMENT,
        id=comment.number("id"),
        text=comment.text("body", ""),
        author=read_person(comment.maybe("user")),
        url=comment.text("html_url"),
        at=_moment(comment, event),
        previous_text=_previous(payload),
        path=comment.text("path"),
        # null once the line is gone from the diff, or for a comment on the whole file
        line=comment.number("line", 0) or comment.number("original_line", 0),
        start_line=comment.number("start_line", 0) or comment.number("original_start_line", 0),
        hunk=comment.text("diff_hunk", ""),
        reply_to=comment.number("in_reply_to_id", 0),
        review=comment.number("pull_request_review_id", 0),
    )
    thread = _pull(payload.object("pull_request"))
    return replace(event, thread=thread, trigger=trigger, via_app=_via_app(comment))


def _check_run(payload: Fields, event: Event) -> Event:
    """A check run that ended, or whose button was pressed. ``via_app`` is the app that made it.

    The pull request is named by number only, and not at all when the commit is a fork's: then it is 0.
    """
    run = payload.object("check_run")
    suite, output = run.maybe("check_suite"), run.maybe("output")
    numbers = [one.number("number") for one in run.objects("pull_requests")]
    button = payload.maybe("requested_action")
    said = [output.text(name, "") for name in ("title", "summary", "text")] if output else []
    app = run.maybe("app")
    url = run.text("html_url", "")
    trigger = Trigger(
        kind=TriggerKind.CHECK,
        id=run.number("id"),
        text=button.text("identifier", "") if button else run.text("conclusion", ""),
        author=event.sender or GHOST,
        url=url,
        at=run.time("completed_at", "started_at")
        if event.action in ("completed", "requested_action")
        else EPOCH,
        path=run.text("name"),
        hunk="\n\n".join(part for part in said if part),
    )
    thread = Thread(
        number=numbers[0] if numbers else 0,
        is_pull=True,
        title="",
        body="",
        author=GHOST,
        url=url,
        head_ref=suite.text("head_branch", "") if suite else "",
        head_sha=run.text("head_sha"),
    )
    return replace(
        event,
        thread=thread,
        trigger=trigger,
        via_app=app.number("id") if app else 0,
        external_id=run.text("external_id", ""),
    )


def _check_suite(payload: Fields, event: Event) -> Event:
    """All checks of one app on a commit. ``via_app`` is that app."""
    suite = payload.object("check_suite")
    app = suite.maybe("app")
    thread = Thread(
        number=0,
        is_pull=True,
        title="",
        body="",
        author=GHOST,
        url="",
        head_ref=suite.text("head_branch", ""),
        head_sha=suite.text("head_sha"),
    )
    return replace(event, thread=thread, via_app=app.number("id") if app else 0)


def _installation(payload: Fields, event: Event) -> Event:
    name = "repositories_added" if event.name == "installation_repositories" else "repositories"
    added = event.action in ("created", "added")
    removed = payload.objects("repositories_removed") if event.action == "removed" else ()
    return replace(
        event,
        installation=payload.object("installation").number("id"),
        added=tuple(_added_repo(repo) for repo in payload.objects(name)) if added else (),
        removed=frozenset(repo.number("id") for repo in removed),
    )


def _added_repo(repo: Fields) -> AddedRepo:
    owner, _, name = repo.text("full_name").partition("/")
    return AddedRepo(id=repo.number("id"), owner=owner, name=name)


def _ping(_: Fields, event: Event) -> Event:
    return event


_READERS: Mapping[str, Callable[[Fields, Event], Event]] = {
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request": _pull_request,
    "pull_request_review": _pull_request_review,
    "pull_request_review_comment": _pull_request_review_comment,
    "discussion": _discussion,
    "discussion_comment": _discussion_comment,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "installation": _installation,
    "installation_repositories": _installation,
    "ping": _ping,
}


def _opening(payload: Fields, entity: Fields, thread: Thread, event: Event) -> Trigger:
    """The text with which an issue or a pull request begins."""
    return Trigger(
        kind=TriggerKind.ISSUE,
        id=entity.number("id"),
        text=thread.body,
        author=thread.author,
        url=thread.url,
        at=_moment(entity, event),
        previous_text=_previous(payload),
        previous_title=_previous(payload, "title"),
    )


def _label(payload: Fields, entity: Fields, event: Event) -> Trigger:
    """A label set by the sender. GitHub leaves ``label`` out when it was deleted meanwhile."""
    label = payload.maybe("label")
    return Trigger(
        kind=TriggerKind.LABEL,
        id=label.number("id") if label else 0,
        text=label.text("name") if label else "",
        author=event.sender or GHOST,
        url=entity.text("html_url"),
        at=entity.time("updated_at", "created_at"),
    )


def _issue(issue: Fields) -> Thread:
    return Thread(
        number=issue.number("number"),
        is_pull=issue.has("pull_request"),
        title=issue.text("title"),
        body=issue.text("body", ""),
        author=read_person(issue.maybe("user")),
        url=issue.text("html_url"),
        labels=tuple(label.text("name") for label in issue.objects("labels")),
    )


def _pull(pull: Fields) -> Thread:
    head = pull.object("head")
    home = head.maybe("repo")  # null when the fork was deleted
    return replace(
        _issue(pull),
        is_pull=True,
        head_ref=head.text("ref"),
        head_sha=head.text("sha"),
        head_repo_id=home.number("id") if home else 0,
        base_ref=pull.object("base").text("ref"),
    )


def _repo(repo: Fields) -> Repo:
    return Repo(
        id=repo.number("id"),
        owner=repo.object("owner").text("login"),
        name=repo.text("name"),
        default_branch=repo.text("default_branch"),
        clone_url=repo.text("clone_url"),
        private=repo.flag("private"),
    )


def _previous(payload: Fields, name: str = "body") -> str | None:
    """The text (or the title) before an edit; None when that was not what was edited."""
    changes = payload.maybe("changes")
    changed = changes.maybe(name) if changes else None
    return changed.text("from", "") if changed else None


def _moment(entity: Fields, event: Event) -> datetime:
    order = ("updated_at", "created_at") if event.action == "edited" else ("created_at", "updated_at")
    return entity.time(*order)


def _via_app(entity: Fields) -> int:
    app = entity.maybe("performed_via_github_app")
    return app.number("id") if app else 0
