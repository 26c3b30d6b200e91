"""``Query.search``: issues and pull requests alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.graphql.connections import connection_field
from localhub.graphql.pulls import render_conversation
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer
from localhub.rest.search.issues import find_issues


def search_field(viewer: Viewer) -> Callable[..., Object]:
    """The field, whose connection says how many of each kind were found."""

    def field(info: Any, query: str, type: str, **paging: Any) -> Object:  # noqa: A002 (GitHub names it)
        if type != "ISSUE":
            raise GraphQLFieldError("UNPROCESSABLE", f"The local GitHub has no search for {type}.")
        found = [{"repo": repo, "row": row} for repo, row in find_issues(viewer.hub, viewer.actor, query)]
        load = connection_field(
            "search", lambda: found, lambda one: render_conversation(viewer, one["repo"], one["row"])
        )
        return load(info, **paging) | {"issueCount": len(found)}

    return field
