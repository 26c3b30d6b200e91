"""What every GraphQL object is made with: the viewer, errors of fields, and accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localhub.auth import Actor, check_repo
from localhub.hub import Hub
from localhub.objects.people import render_user
from localhub.state import Row

Object = dict[str, Any]


class GraphQLFieldError(Exception):
    """An error of a field, with GitHub's ``type``."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.type = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks, and of which hub.

    ``render_repository`` makes the object of a repository, ``render_owned`` the fields that an owner of some
    has; objects that refer to theirs call them here, as the modules that have them import theirs.
    """

    hub: Hub
    actor: Actor
    render_repository: Callable[[Viewer, Row], Object]
    render_owned: Callable[[Viewer, Row], Object]

    def check(self, repo: Row, app: str, user: str = "read") -> None:
        """Raise unless the viewer may do this with the repository."""
        check_repo(self.hub.state, self.actor, repo, app=app, user=user)


def render_account(viewer: Viewer, account_id: int | None, kind: str | None = None) -> Object | None:
    """An account: User, Bot or Organization (a bot that asks for itself is shown as User, as on GitHub)."""
    if account_id is None:
        return None
    row = viewer.hub.state.account(account_id)
    shown = render_user(viewer.hub, row)
    return {
        "__typename": kind or row["type"],
        "id": shown["node_id"],
        "databaseId": row["id"],
        # GraphQL names a bot without the suffix that REST shows.
        "login": row["login"] if kind else row["login"].removesuffix("[bot]"),
        "name": row["name"],
        "avatarUrl": lambda info, size=None: shown["avatar_url"],
        "url": shown["html_url"],
        "resourcePath": shown["html_url"].removeprefix(viewer.hub.web_url),
        **(viewer.render_owned(viewer, row) if row["type"] != "Bot" else {}),
    }
