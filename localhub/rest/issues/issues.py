"""Issues: open, read, list, change."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor, includes_level, role_of
from localhub.errors import ApiError, invalid
from localhub.hub import Hub
from localhub.objects.issue import render_whole_issue
from localhub.objects.milestone import milestone_of
from localhub.pull_state import set_pull_state
from localhub.rest.api import Body, Call, Routes, answer, answer_page, check_text
from localhub.rest.issues.assignees import list_assigned, set_assignees
from localhub.rest.issues.labels import find_or_make_label, read_label_names, set_labels
from localhub.rest.issues.milestones import read_milestone, set_milestone
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/issues"
READ, WRITE = "issues:read|pull_requests:read", "issues:write|pull_requests:write"
TITLE_LIMIT = 256


def next_number(hub: Hub, repo_id: int) -> int:
    """The number of the repository's next issue or pull request."""
    hub.state.run("UPDATE repos SET last_number = last_number + 1 WHERE id = ?", repo_id)
    return hub.state.count("SELECT last_number FROM repos WHERE id = ?", repo_id)


def check_title(resource: str, title: str) -> None:
    """422 for a blank title or one that is too long."""
    if not title.strip():
        raise invalid(resource, "title", "missing_field")
    if len(title) > TITLE_LIMIT:
        message = f"title is too long (maximum is {TITLE_LIMIT} characters)"
        raise invalid(resource, "title", "custom", message)


def insert_issue(hub: Hub, actor: Actor, repo: Row, title: str, body: str | None, *, is_pull: bool) -> Row:
    """The new row of an issue or pull request; no event yet."""
    now = hub.state.now()
    with hub.state.transaction():
        number = next_number(hub, repo["id"])
        row_id = hub.state.insert(
            "issues", repo_id=repo["id"], number=number, is_pull=is_pull, title=title, body=body,
            user_id=actor.account_id, app_id=actor.app_id, created_at=now, updated_at=now,
        )  # fmt: skip
    return hub.state.one("SELECT * FROM issues WHERE id = ?", row_id)


def open_issue(
    hub: Hub,
    actor: Actor,
    repo: Row,
    title: str,
    body: str | None = None,
    labels: list[str] | None = None,
    assignees: list[str] | None = None,
    milestone: Row | None = None,
) -> Row:
    """Open an issue and send its event; one more follows for every label and assignee, and the milestone."""
    check_title("Issue", title)
    check_text("Issue", "body", body)
    row = insert_issue(hub, actor, repo, title, body, is_pull=False)
    rows = [find_or_make_label(hub, repo, name) for name in labels or []]
    for label in rows:
        hub.state.run("INSERT OR IGNORE INTO issue_labels VALUES (?, ?)", row["id"], label["id"])
    events.send_issue(hub, actor, repo, "opened", row)
    for label in rows:
        events.send_label(hub, actor, repo, "labeled", row, label)
    set_assignees(hub, actor, repo, row, assignees or [])
    if milestone is not None:
        set_milestone(hub, actor, repo, row, milestone)
    return row


def close_issue(hub: Hub, actor: Actor, repo: Row, row: Row, reason: str = "completed") -> None:
    """Close an issue that is open and send its event."""
    now = hub.state.now()
    hub.state.update(
        "issues", row["id"], state="closed", state_reason=reason, closed_at=now,
        closed_by_id=actor.account_id,
        updated_at=now,
    )  # fmt: skip
    events.send_issue(hub, actor, repo, "closed", row)


def reopen_issue(hub: Hub, actor: Actor, repo: Row, row: Row) -> None:
    """Open a closed issue again and send its event."""
    now = hub.state.now()
    hub.state.update(
        "issues",
        row["id"],
        state="open",
        state_reason="reopened",
        closed_at=None,
        closed_by_id=None,
        updated_at=now,
    )
    events.send_issue(hub, actor, repo, "reopened", row)


def edit_texts(hub: Hub, row: Row, body: Body, resource: str = "Issue") -> dict[str, Any]:
    """Store title and body of a request; returns the event's ``changes``, empty when nothing is new."""
    changes: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in ("title", "body"):
        if name in body and body.maybe(name) != row[name]:
            value = body.maybe(name)
            if name == "title":
                check_title(resource, value or "")
            else:
                check_text(resource, "body", value)
            new[name] = value
            changes[name] = {"from": row[name] or ""}
    if new:
        now = hub.state.now()
        hub.state.update("issues", row["id"], updated_at=now, last_edited_at=now, **new)
    return changes


@routes.post(BASE, app="issues:write")
async def create(call: Call) -> web.Response:
    """POST issues; labels and assignees of people without push access are dropped, as on GitHub."""
    if not call.repo["has_issues"]:
        raise ApiError(410, "Issues has been disabled in this repository.")
    if call.actor.account is None:
        raise ApiError(401, "Requires authentication")
    labels = read_label_names(call.body.items("labels") or [])
    assignees = [str(login) for login in call.body.items("assignees") or []]
    milestone = read_milestone(call.hub, call.repo, call.body) if "milestone" in call.body else None
    if not may_edit(call):
        labels, assignees, milestone = [], [], None
    title, text = call.body.text("title"), call.body.maybe("body")
    row = open_issue(call.hub, call.actor, call.repo, title, text, labels, assignees, milestone)
    return answer(
        render_whole_issue(call.hub, call.repo, row),
        201,
        {"Location": render_whole_issue(call.hub, call.repo, row)["url"]},
    )


def may_edit(call: Call) -> bool:
    """Whether the caller may change what others wrote."""
    if call.actor.kind == "installation":
        return True
    return includes_level(role_of(call.hub.state, call.repo, call.actor.account_id), "triage")


def check_author(call: Call, row: Row) -> None:
    """403 unless the caller wrote this or may edit what others wrote."""
    if row["user_id"] != call.actor.account_id and not may_edit(call):
        raise ApiError(403, "Must have admin rights to Repository.")


def _fits_choice(wanted: str, present: list[str]) -> bool:
    """Whether a filter that knows ``*`` (any) and ``none`` lets an issue through."""
    if wanted in ("", "*", "none"):
        return not wanted or bool(present) is (wanted == "*")
    return wanted in present


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET issues with state, labels, creator, assignee, milestone, since, sort and direction; pull requests
    are among them.
    """
    state, column = call.query("state", "open"), call.query("sort", "created")
    rows = call.hub.state.all("SELECT * FROM issues WHERE repo_id = ?", call.repo["id"])
    wanted = {name for name in call.query("labels").lower().split(",") if name}
    creator, since = call.query("creator").lower(), call.query("since")
    assignee, milestone = call.query("assignee").lower(), call.query("milestone")

    def keeps(row: Row) -> bool:
        names = {label["name"].lower() for label in call.hub.state.labels_of(row["id"])} if wanted else set()
        author = call.hub.state.account(row["user_id"])["login"].lower()
        return (
            state in ("all", row["state"])
            and wanted <= names
            and creator in ("", author)
            and row["updated_at"] >= since
            and _fits_choice(assignee, [one["login"].lower() for one in list_assigned(call.hub, row)])
            and _fits_choice(milestone, [str(one["number"]) for one in [milestone_of(call.hub, row)] if one])
        )

    key = "updated_at" if column == "updated" else "created_at"
    newest_first = call.query("direction", "desc") == "desc"
    kept = sorted(
        (row for row in rows if keeps(row)), key=lambda row: (row[key], row["number"]), reverse=newest_first
    )
    return answer_page(call, kept, lambda row: render_whole_issue(call.hub, call.repo, row))


@routes.get(BASE + "/{number:\\d+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET issues/{number}."""
    return answer(render_whole_issue(call.hub, call.repo, call.issue()))


@routes.patch(BASE + "/{number:\\d+}", app=WRITE)
async def change(call: Call) -> web.Response:
    """PATCH issues/{number}: title, body, state, labels, assignees, milestone."""
    hub, repo, body, row = call.hub, call.repo, call.body, call.issue()
    check_author(call, row)
    state = body.choice("state", ("open", "closed"), row["state"])
    reason = body.maybe("state_reason")
    changes = edit_texts(hub, row, body)
    if changes:
        events.send_issue(hub, call.actor, repo, "edited", row, changes=changes)
    if may_edit(call):
        if "assignees" in body:
            logins = [str(login) for login in body.items("assignees") or []]
            set_assignees(hub, call.actor, repo, row, logins)
        if "labels" in body:
            set_labels(hub, call.actor, repo, row, read_label_names(body.items("labels") or []))
        if "milestone" in body:
            set_milestone(hub, call.actor, repo, row, read_milestone(hub, repo, body))
    if state != row["state"] and row["is_pull"]:
        await set_pull_state(hub, call.actor, repo, call.pull(), state)
    elif state != row["state"] and state == "closed":
        close_issue(hub, call.actor, repo, row, reason or "completed")
    elif state != row["state"]:
        reopen_issue(hub, call.actor, repo, row)
    return answer(render_whole_issue(hub, repo, call.issue()))
