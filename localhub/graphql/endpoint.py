"""The GraphQL endpoint: GitHub's names over the same state, errors in GitHub's shape."""

from __future__ import annotations

from functools import cache, lru_cache
from inspect import isawaitable
from pathlib import Path
from typing import Any

from aiohttp import web
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)

from localhub.errors import ApiError
from localhub.graphql import discussions  # noqa: F401 (it registers itself)
from localhub.graphql.invalid import render_bad_variable, render_invalid
from localhub.graphql.lookup import render_node, render_nodes
from localhub.graphql.mutations import (  # noqa: F401 (they register themselves)
    content,
    conversations,
    edits,
    moderation,
)
from localhub.graphql.owners import owner_field, render_owned
from localhub.graphql.registry import MUTATIONS
from localhub.graphql.repository import render_repository, repository_field
from localhub.graphql.search import search_field
from localhub.graphql.viewer import GraphQLFieldError, Viewer, render_account
from localhub.rest.api import Call, Routes, answer
from localhub.rest.rate_limits import CREATING_MUTATIONS
from localhub.state import stamp

routes = Routes()

# GitHub lets a name have values of several types in fragments that exclude each other, as gh does.
RULES = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]


@cache
def schema() -> GraphQLSchema:
    """Our part of GitHub's schema."""
    return build_schema(Path(__file__).with_name("schema.graphql").read_text())


@lru_cache(maxsize=200)
def read_query(query: str) -> DocumentNode | list[dict[str, Any]]:
    """A parsed query, or what is wrong with it. Cached, since programs repeat their queries."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return [_error(error)]
    errors = validate(schema(), document, RULES)
    return [render_invalid(schema(), document, error) for error in errors] if errors else document


@routes.post("/graphql")
async def serve(call: Call) -> web.Response:
    """POST /graphql: 200 with ``errors`` for whatever goes wrong inside, as on GitHub."""
    if call.actor.account is None:
        raise ApiError(401, "This endpoint requires you to be authenticated.")
    query = call.body.values.get("query")
    if not isinstance(query, str):
        return answer({"errors": [{"message": "A query attribute must be specified and must be a string."}]})
    variables = call.body.object("variables")
    hub, document = call.hub, read_query(query)
    if isinstance(document, list):
        return answer({"errors": document})
    if is_mutation(document, call.body.maybe("operationName")):
        hub.replicas.note_write(hub)
        if list_fields(document, call.body.maybe("operationName")) & CREATING_MUTATIONS:
            hub.rates.note_creation(call.actor)
    else:
        hub = hub.replicas.find_reader(hub, call.actor.name)
    viewer = Viewer(hub=hub, actor=call.actor, render_repository=render_repository, render_owned=render_owned)
    executed = execute(
        schema(),
        document,
        root_value=_root(viewer),
        context_value=viewer,
        variable_values=None if variables is None else variables.values,
        operation_name=call.body.maybe("operationName"),
    )
    result = await executed if isawaitable(executed) else executed
    body: dict[str, Any] = {}
    if result.data is not None or not result.errors:
        body["data"] = result.data
    if result.errors:
        body["errors"] = [render_bad_variable(error) or _error(error) for error in result.errors]
    return answer(body)


def is_mutation(document: DocumentNode, name: str | None) -> bool:
    """Whether the operation that a request names is one."""
    operation = get_operation_ast(document, name)
    return operation is not None and operation.operation is OperationType.MUTATION


def list_fields(document: DocumentNode, name: str | None) -> set[str]:
    """The names of the fields that an operation asks for first."""
    operation = get_operation_ast(document, name)
    selected = operation.selection_set.selections if operation else ()
    return {one.name.value for one in selected if isinstance(one, FieldNode)}


def _error(error: GraphQLError) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    cause = error.original_error
    if isinstance(cause, GraphQLFieldError):
        shown["type"] = cause.type
    elif isinstance(cause, ApiError):
        shown["type"] = {403: "FORBIDDEN", 404: "NOT_FOUND"}.get(cause.status, "UNPROCESSABLE")
    elif cause is not None:
        raise cause
    if error.path:
        shown["path"] = error.path
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return shown | {"message": cause.message if isinstance(cause, ApiError) else error.message}


def _root(viewer: Viewer) -> dict[str, Any]:
    window = viewer.hub.rates.window(viewer.actor)
    return {
        "viewer": lambda info: render_account(viewer, viewer.actor.account_id, "User"),
        "repository": repository_field(viewer),
        "user": owner_field(viewer, "User"),
        "organization": owner_field(viewer, "Organization"),
        "repositoryOwner": owner_field(viewer, "User", "Organization"),
        "search": search_field(viewer),
        "node": lambda info, id: render_node(viewer, id),  # noqa: A006 (GitHub names it)
        "nodes": lambda info, ids: render_nodes(viewer, ids),
        "rateLimit": lambda info, dryRun: {
            "cost": 1,
            "limit": window.limit,
            "remaining": window.limit - window.used,
            "used": window.used,
            "resetAt": stamp(window.reset),
        },
        **{name: mutation(viewer) for name, mutation in MUTATIONS.items()},
    }
