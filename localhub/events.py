"""Events: builds webhook payloads and sends them to every App that is installed and subscribed."""

from __future__ import annotations

import json
from typing import Any

from localhub.auth import Actor, has_repository
from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects import check as check_objects
from localhub.objects import discussion as discussion_objects
from localhub.objects import issue as issue_objects
from localhub.objects import pull as pull_objects
from localhub.objects.issue_event import note_event
from localhub.objects.people import render_installation as installation_object
from localhub.objects.people import render_organization, render_user
from localhub.objects.repository import render_label, render_repository, render_short_repository
from localhub.state import Row
from localhub.webhooks import hook_id

Json = dict[str, Any]


LABELLING = ("labeled", "unlabeled")  # noted with their label
# What goes to every App that may write checks, subscribed or not, when it is about its own.
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite
OWN_ACTIONS = ("rerequested", "requested_action")


def emit(
    hub: Hub, actor: Actor, repo: Row, event: str, payload: Json, *, owner_app: int | None = None
) -> None:
    """Send an event of a repository to each App that is installed there and subscribes to it.

    With ``owner_app`` it goes to that App alone, if it may write checks.
    """
    repo = hub.state.repo(repo["id"])
    payload |= {
        "repository": render_repository(hub, repo),
        "sender": render_user(hub, hub.state.account(actor.account_id)),
    }
    owner = hub.state.account(repo["owner_id"])
    if owner["type"] == "Organization":
        payload["organization"] = render_organization(hub, owner)
    for installed in hub.state.all("SELECT * FROM installations WHERE account_id = ?", owner["id"]):
        if owner_app is None:
            wanted = event in json.loads(installed["events_json"])
        else:
            may_write = json.loads(installed["permissions_json"]).get("checks") == "write"
            wanted = may_write and installed["app_id"] == owner_app
        if wanted and has_repository(hub.state, installed, repo):
            own = {
                "installation": {"id": installed["id"], "node_id": node_id("Installation", installed["id"])}
            }
            hub.webhooks.send(
                hub.state.app(installed["app_id"]), event, payload | own,
                installation_id=installed["id"], repo_id=repo["id"],
            )  # fmt: skip


def send_issue(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``issues``, or nothing for a pull request (which has its own event)."""
    if action not in LABELLING:
        note_event(hub, actor, repo, row["id"], action, **_choose_noted(hub, actor, row, action, more))
    if not row["is_pull"]:
        fresh = hub.state.one("SELECT * FROM issues WHERE id = ?", row["id"])
        payload = {"action": action, "issue": issue_objects.render_issue(hub, repo, fresh), **more}
        emit(hub, actor, repo, "issues", payload)


def send_issue_or_pull(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``issues``, or ``pull_request`` for the row of one."""
    if row["is_pull"]:
        send_pull(hub, actor, repo, action, hub.state.pull_of(row), **more)
    else:
        send_issue(hub, actor, repo, action, row, **more)


def _choose_noted(hub: Hub, actor: Actor, row: Row, action: str, more: Json) -> Json:
    """What the list of an issue's events shows of an event, beside who and when."""
    if action in ("assigned", "unassigned"):
        return {"assignee": more["assignee"], "assigner": render_user(hub, actor.writer)}
    if action in ("milestoned", "demilestoned"):
        return {"milestone": {"title": more["milestone"]["title"]}}
    return {"lock_reason": issue_objects.find_lock_reason(hub, row)} if action == "locked" else {}


def send_label(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, label_row: Row) -> None:
    """``labeled`` or ``unlabeled`` of an issue or pull request."""
    shown = render_label(hub, repo, label_row)
    note_event(
        hub, actor, repo, row["id"], action, label={name: label_row[name] for name in ("name", "color")}
    )
    if row["is_pull"]:
        send_pull(hub, actor, repo, action, hub.state.pull_of(row), label=shown)
    else:
        send_issue(hub, actor, repo, action, row, label=shown)


def send_comment(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``issue_comment``."""
    parent = hub.state.one("SELECT * FROM issues WHERE id = ?", row["issue_id"])
    payload = {
        "action": action,
        "issue": issue_objects.render_issue(hub, repo, parent),
        "comment": issue_objects.render_comment(hub, repo, row),
        **more,
    }
    emit(hub, actor, repo, "issue_comment", payload)


def send_discussion(hub: Hub, actor: Actor, repo: Row, action: str, row: Row) -> None:
    """``discussion``."""
    payload = {"action": action, "discussion": discussion_objects.render_discussion(hub, repo, row)}
    emit(hub, actor, repo, "discussion", payload)


def send_discussion_comment(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``discussion_comment``."""
    parent = hub.state.one("SELECT * FROM discussions WHERE id = ?", row["discussion_id"])
    payload = {
        "action": action,
        "discussion": discussion_objects.render_discussion(hub, repo, parent),
        "comment": discussion_objects.render_discussion_comment(hub, repo, row),
        **more,
    }
    emit(hub, actor, repo, "discussion_comment", payload)


def send_pull(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``pull_request``."""
    fresh = hub.state.one("SELECT * FROM pulls WHERE id = ?", row["id"])
    if action == "closed" and fresh["merged_at"]:
        note_event(hub, actor, repo, row["issue_id"], "merged")
    if action not in LABELLING:
        issue = pull_objects.issue_of(hub, fresh)
        noted = _choose_noted(hub, actor, issue, action, more)
        note_event(hub, actor, repo, row["issue_id"], action, **noted)
    shown = pull_objects.render_pull(hub, repo, fresh)
    emit(
        hub,
        actor,
        repo,
        "pull_request",
        {"action": action, "number": row["number"], "pull_request": shown, **more},
    )


def send_review(hub: Hub, actor: Actor, repo: Row, action: str, pull_row: Row, row: Row, **more: Any) -> None:
    """``pull_request_review``."""
    shown = pull_objects.render_review(hub, repo, pull_row, row)
    shown["state"] = shown["state"].lower()
    shown["body"] = shown["body"] or None
    payload = {
        "action": action,
        "review": shown,
        "pull_request": pull_objects.render_short_pull(hub, repo, pull_row),
        **more,
    }
    emit(hub, actor, repo, "pull_request_review", payload)


def send_review_comment(
    hub: Hub, actor: Actor, repo: Row, action: str, pull_row: Row, row: Row, **more: Any
) -> None:
    """``pull_request_review_comment``."""
    payload = {
        "action": action,
        "comment": pull_objects.render_review_comment(hub, repo, pull_row, row),
        "pull_request": pull_objects.render_short_pull(hub, repo, pull_row),
        **more,
    }
    emit(hub, actor, repo, "pull_request_review_comment", payload)


def send_check_run(hub: Hub, actor: Actor, repo: Row, action: str, row: Row, **more: Any) -> None:
    """``check_run``; what is asked of a run goes to the App that made it alone."""
    payload = {"action": action, "check_run": check_objects.render_check_run_payload(hub, repo, row), **more}
    owner = row["app_id"] if action in OWN_ACTIONS else None
    emit(hub, actor, repo, "check_run", payload, owner_app=owner)


def send_check_suite(hub: Hub, actor: Actor, repo: Row, action: str, suite: Row) -> None:
    """``check_suite``, to the App that the suite belongs to."""
    shown = check_objects.render_whole_check_suite(hub, repo, suite)
    payload = {"action": action, "check_suite": shown}
    emit(hub, actor, repo, "check_suite", payload, owner_app=suite["app_id"])


# events of the App itself


def send_ping(hub: Hub, app: Row) -> None:
    """``ping``, sent when an App's webhook is made."""
    number = hook_id(app)
    url = f"{hub.api_url}/app/hook"
    hook = {
        "type": "App", "id": number, "name": "web", "active": True, "events": json.loads(app["events_json"]),
        "config": {
            "content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app["webhook_url"],
        },
        "updated_at": app["updated_at"], "created_at": app["created_at"], "app_id": app["id"],
        "url": f"{url}/config", "ping_url": f"{url}/pings", "deliveries_url": f"{url}/deliveries",
    }  # fmt: skip
    payload = {"zen": "Keep it logically awesome.", "hook_id": number, "hook": hook}
    hub.webhooks.send(app, "ping", payload, installation_id=None, repo_id=None)


def send_installation(hub: Hub, actor: Actor, row: Row, action: str) -> None:
    """``installation``."""
    repos = list_installed_repos(hub, row)
    payload = {
        "action": action,
        "installation": installation_object(hub, row),
        "repositories": [render_short_repository(repo) for repo in repos],
        "sender": render_user(hub, actor.writer),
    }
    app = hub.state.app(row["app_id"])
    hub.webhooks.send(app, "installation", payload, installation_id=row["id"], repo_id=None)


def send_installation_repositories(
    hub: Hub, actor: Actor, row: Row, *, added: list[Row], removed: list[Row]
) -> None:
    """``installation_repositories``."""
    payload = {
        "action": "added" if added else "removed",
        "installation": installation_object(hub, row),
        "repository_selection": row["repository_selection"],
        "repositories_added": [render_short_repository(repo) for repo in added],
        "repositories_removed": [render_short_repository(repo) for repo in removed],
        "requester": None,
        "sender": render_user(hub, actor.writer),
    }
    app = hub.state.app(row["app_id"])
    hub.webhooks.send(app, "installation_repositories", payload, installation_id=row["id"], repo_id=None)


def list_installed_repos(hub: Hub, installed: Row) -> list[Row]:
    """The repositories that an installation has been given."""
    ids = hub.state.all("SELECT id FROM repos WHERE owner_id = ? ORDER BY id", installed["account_id"])
    repos = [hub.state.repo(row["id"]) for row in ids]
    return [repo for repo in repos if has_repository(hub.state, installed, repo)]
