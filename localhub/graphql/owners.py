"""People and organizations as GraphQL objects, with the repositories that they own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.errors import ApiError
from localhub.graphql.connections import connection_field
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer, render_account
from localhub.state import Row

COLUMNS = {"CREATED_AT": "created_at", "NAME": "name", "PUSHED_AT": "pushed_at", "UPDATED_AT": "updated_at"}


def render_owned(viewer: Viewer, owner: Row) -> Object:
    """What an account has as an owner of repositories."""
    state = viewer.hub.state

    def load(
        privacy: str | None = None,
        visibility: str | None = None,
        isFork: bool | None = None,
        isArchived: bool | None = None,
        orderBy: Object | None = None,
        **_: Any,
    ) -> list[Row]:
        rows = state.all("SELECT id FROM repos WHERE owner_id = ? ORDER BY id", owner["id"])
        kept = [
            repo
            for repo in (state.repo(row["id"]) for row in rows)
            if _may_see(viewer, repo)
            and {privacy, visibility} <= {None, "PRIVATE" if repo["private"] else "PUBLIC"}
            and isFork in (None, repo["parent_id"] is not None)
            and isArchived in (None, bool(repo["archived"]))
        ]
        if orderBy is None or orderBy["field"] not in COLUMNS:
            return kept
        column = COLUMNS[orderBy["field"]]
        kept.sort(key=lambda repo: (repo[column] or repo["created_at"], repo["id"]))
        return kept[::-1] if orderBy["direction"] == "DESC" else kept

    return {
        "repositories": connection_field(
            "repositories", load, lambda repo: viewer.render_repository(viewer, repo)
        ),
        "teams": connection_field("teams", lambda **_: [], dict),  # there are none here
    }


def _may_see(viewer: Viewer, repo: Row) -> bool:
    try:
        viewer.check(repo, "metadata:read")
    except ApiError:
        return False
    return True


def owner_field(viewer: Viewer, *kinds: str) -> Callable[..., Object | None]:
    """``Query.user``, ``organization`` or ``repositoryOwner``: an account of these kinds, by its login."""

    def field(info: Any, login: str) -> Object | None:
        row = viewer.hub.state.account_by_login(login)
        if row is not None and row["type"] in kinds:
            return render_account(viewer, row["id"], row["type"])
        if len(kinds) > 1:
            return None  # for an owner that there is not GitHub answers null, without an error
        what = {"User": "a User", "Organization": "an Organization"}[kinds[0]]
        raise GraphQLFieldError("NOT_FOUND", f"Could not resolve to {what} with the login of '{login}'.")

    return field
