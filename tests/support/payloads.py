"""Webhook payloads written by hand with GitHub's field names."""

from __future__ import annotations

import copy
import json
from typing import Any

from bot.domain import Event
from bot.inbox.decision import AppIdentity
from bot.inbox.payload import parse

APP = AppIdentity(id=7, slug="hob", bot_id=900)
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
AT = "2026-03-01T12:00:00Z"
LATER = "2026-03-01T12:05:00Z"

Json = dict[str, Any]


def user(login: str = "alice", id: int = 21, type: str = "User") -> Json:  # noqa: A002
    """An account as it stands in every payload."""
    return {
        "login": login,
        "id": id,
        "node_id": f"MDQ6VXNlcj{id}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{id}?v=4",
        "gravatar_id": "",
        "url": f"https://api.github.com/users/{login}",
        "html_url": f"https://github.com/{login}",
        "type": type,
        "site_admin": False,
    }


ALICE = user()
BOB = user("bob", 22)
BOT = user("hob[bot]", 900, "Bot")
APP_FIELD = {"id": 7, "slug": "hob", "name": "Hob", "owner": user("octo", 30, "Organization")}


def repository(id: int = 11) -> Json:  # noqa: A002
    """The repository of every payload."""
    return {
        "id": id,
        "node_id": "R_kgDOA",
        "name": "app",
        "full_name": "octo/app",
        "private": True,
        "owner": user("octo", 30, "Organization"),
        "html_url": "https://github.com/octo/app",
        "description": None,
        "fork": False,
        "url": "https://api.github.com/repos/octo/app",
        "created_at": "2025-01-01T00:00:00Z",
        "pushed_at": 1767225600,
        "clone_url": "https://github.com/octo/app.git",
        "default_branch": "main",
    }


def issue(title: str = "It breaks", body: str | None = "On an empty list.", **more: Any) -> Json:
    """Issue #3, opened by alice."""
    return {
        "url": "https://api.github.com/repos/octo/app/issues/3",
        "html_url": "https://github.com/octo/app/issues/3",
        "id": 1001,
        "node_id": "I_kwDOA",
        "number": 3,
        "title": title,
        "user": ALICE,
        "labels": [{"id": 5, "name": "bug", "color": "d73a4a", "default": True, "description": None}],
        "state": "open",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": 0,
        "created_at": AT,
        "updated_at": LATER,
        "closed_at": None,
        "author_association": "NONE",
        "active_lock_reason": None,
        "body": body,
        "performed_via_github_app": None,
        "state_reason": None,
    } | more


def pull(
    author: Json = BOT, branch: str = "hob/3-it-breaks", head_repo: Json | None = None, **more: Any
) -> Json:
    """Pull request #4, the bot's own unless told otherwise."""
    home = repository() if head_repo is None else head_repo
    return {
        "url": "https://api.github.com/repos/octo/app/pulls/4",
        "id": 2001,
        "html_url": "https://github.com/octo/app/pull/4",
        "number": 4,
        "state": "open",
        "locked": False,
        "title": "Mend it",
        "user": author,
        "body": "Fixes #3",
        "created_at": AT,
        "updated_at": LATER,
        "closed_at": None,
        "merged_at": None,
        "labels": [],
        "draft": True,
        "head": {"label": "octo:x", "ref": branch, "sha": "b" * 40, "user": ALICE, "repo": home or None},
        "base": {"label": "octo:main", "ref": "main", "sha": "a" * 40, "user": ALICE, "repo": repository()},
        "author_association": "CONTRIBUTOR",
    } | more


def envelope(action: str, sender: Json = ALICE, **objects: Any) -> Json:
    """What stands around the object that an event is about."""
    return {
        "action": action,
        **objects,
        "repository": repository(),
        "organization": {"login": "octo", "id": 30, "description": None},
        "sender": sender,
        "installation": {"id": 55, "node_id": "MDIz"},
    }


def issue_comment(
    body: str,
    *,
    action: str = "created",
    author: Json = ALICE,
    sender: Json | None = None,
    before: str | None = None,
    on_pull: Json | None = None,
    via: Json | None = None,
) -> Json:
    """A comment on issue #3, or on a pull request whose author is given."""
    thread = issue()
    if on_pull is not None:
        links = {"url": "https://api.github.com/repos/octo/app/pulls/4", "merged_at": None}
        thread = issue(number=4, user=on_pull, pull_request=links, draft=True)
    comment = {
        "url": "https://api.github.com/repos/octo/app/issues/comments/3001",
        "html_url": "https://github.com/octo/app/issues/3#issuecomment-3001",
        "id": 3001,
        "user": author,
        "created_at": AT,
        "updated_at": LATER,
        "author_association": "NONE",
        "body": body,
        "performed_via_github_app": via,
    }
    made = envelope(action, sender or author, issue=thread, comment=comment)
    return made if before is None else made | {"changes": {"body": {"from": before}}}


def review(
    body: str | None, *, of: Json | None = None, author: Json = ALICE, state: str = "commented"
) -> Json:
    """A submitted review of pull request #4."""
    made = {
        "id": 4001,
        "user": author,
        "body": body,
        "commit_id": "b" * 40,
        "submitted_at": LATER,
        "state": state,
        "html_url": "https://github.com/octo/app/pull/4#pullrequestreview-4001",
        "author_association": "MEMBER",
    }
    return envelope("submitted", author, review=made, pull_request=of or pull())


def review_comment(body: str, *, of: Json | None = None, author: Json = ALICE, **more: Any) -> Json:
    """A comment on a line of pull request #4."""
    comment = {
        "url": "https://api.github.com/repos/octo/app/pulls/comments/5001",
        "pull_request_review_id": 4001,
        "id": 5001,
        "diff_hunk": "@@ -1,2 +1,3 @@\n a\n+b",
        "path": "src/average.py",
        "position": 2,
        "line": 2,
        "side": "RIGHT",
        "original_line": 2,
        "commit_id": "b" * 40,
        "user": author,
        "body": body,
        "created_at": AT,
        "updated_at": AT,
        "html_url": "https://github.com/octo/app/pull/4#discussion_r5001",
        "author_association": "MEMBER",
    } | more
    return envelope("created", author, comment=comment, pull_request=of or pull())


def labeled(name: str = "hob", *, sender: Json = BOB, of: Json | None = None) -> Json:
    """A label set on issue #3."""
    label = {"id": 77, "name": name, "color": "ededed", "default": False, "description": None}
    return envelope("labeled", sender, issue=of or issue(), label=label)


def installation(action: str) -> Json:
    """What happens to the app's installation 55 as a whole."""
    return {
        "action": action,
        "installation": {"id": 55, "account": user("octo", 30, "Organization"), "app_id": 7},
        "repositories": [{"id": 11, "name": "app", "full_name": "octo/app", "private": True}],
        "requester": None,
        "sender": ALICE,
    }


def event(name: str, payload: Json, guid: str = GUID) -> Event:
    """The payload, parsed as if it had come in."""
    return parse(guid, name, json.dumps(payload).encode())


def without(payload: Json, path: str) -> Json:
    """A copy that lacks one field, ``a.b.c``."""
    made = copy.deepcopy(payload)
    *parents, last = path.split(".")
    inner = made
    for name in parents:
        inner = inner[name]
    del inner[last]
    return made


def with_value(payload: Json, path: str, value: Any) -> Json:
    """A copy in which one field is something else."""
    made = copy.deepcopy(payload)
    *parents, last = path.split(".")
    inner = made
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return made
