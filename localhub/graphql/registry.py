"""The table of mutations, and how one is registered and finds what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localhub.graphql.lookup import find_node
from localhub.graphql.viewer import GraphQLFieldError, Object, Viewer
from localhub.node_ids import read_node_id
from localhub.state import Row

Mutation = Callable[[Viewer], Callable[..., Any]]
MUTATIONS: dict[str, Mutation] = {}


def mutation(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of the viewer and the input under a mutation's name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        def for_viewer(viewer: Viewer) -> Callable[..., Any]:
            async def field(info: Any, input: dict[str, Any]) -> Object:  # noqa: A002 (GitHub names it)
                result: Object = await function(viewer, input)
                return result | {"clientMutationId": input.get("clientMutationId")}

            return field

        MUTATIONS[name] = for_viewer
        return function

    return register


def find_pull(viewer: Viewer, global_id: str) -> tuple[Row, Row, Row]:
    """(repository, its issue row, pull request) of a node id."""
    kind, repo, row = find_node(viewer, global_id)
    pull = viewer.hub.state.pull(repo["id"], row["number"]) if kind == "PullRequest" else None
    if pull is None:
        raise unresolved(global_id)
    return repo, row, pull


def find_repository(viewer: Viewer, global_id: str) -> Row:
    """The repository of a node id."""
    kind, row_id = read_node_id(global_id) or ("", "")
    known = viewer.hub.state.maybe("SELECT id FROM repos WHERE id = ?", row_id)
    if kind != "Repository" or known is None:
        raise unresolved(global_id)
    repo = viewer.hub.state.repo(known["id"])
    viewer.check(repo, "metadata:read")
    return repo


def unresolved(global_id: str) -> GraphQLFieldError:
    """NOT_FOUND for a node id of nothing, or of another kind of thing."""
    return GraphQLFieldError("NOT_FOUND", f"Could not resolve to a node with the global id of '{global_id}'")
