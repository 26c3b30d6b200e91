"""Connections: the lists of GraphQL, paged by cursors."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

from localhub.graphql.viewer import GraphQLFieldError, Object
from localhub.state import Row

MOST = 100


def connection_field(
    name: str, load: Callable[..., Sequence[Row]], show: Callable[[Row], Object]
) -> Callable[..., Object]:
    """A field whose value is a connection; arguments other than those of paging go to ``load``."""

    def field(
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        **filters: Any,
    ) -> Object:
        if first is None and last is None and not selects_items(info):
            return _page(list(load(**filters)), 0, 0, show)  # only their number, or nothing, is asked for
        if first is None and last is None:
            text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            raise GraphQLFieldError("MISSING_PAGINATION_BOUNDARIES", text)
        if not 0 <= (first if first is not None else last or 0) <= MOST:
            text = f"Requesting {first or last} records on the `{name}` connection exceeds the `first` limit"
            raise GraphQLFieldError("EXCESSIVE_PAGINATION", f"{text} of {MOST} records.")
        rows = list(load(**filters))
        start, stop = (
            (0 if after is None else _read(after)),
            (len(rows) if before is None else _read(before) - 1),
        )
        if first is not None:
            stop = min(stop, start + first)
        else:
            start = max(start, stop - (last or 0))
        return _page(rows, start, stop, show)

    return field


def selects_items(info: Any) -> bool:
    """Whether a query asks for what is in a connection, for which GitHub wants to be told how many."""
    selected = [one for node in info.field_nodes for one in node.selection_set.selections]
    return any(getattr(one, "name", None) is None or one.name.value in ("nodes", "edges") for one in selected)


def _page(rows: Sequence[Row], start: int, stop: int, show: Callable[[Row], Object]) -> Object:
    nodes = [show(row) for row in rows[start:stop]]
    return {
        "totalCount": len(rows),
        "nodes": nodes,
        "edges": [{"cursor": _cursor(start + i + 1), "node": one} for i, one in enumerate(nodes)],
        "pageInfo": {
            "hasNextPage": stop < len(rows),
            "hasPreviousPage": start > 0,
            "startCursor": _cursor(start + 1) if nodes else None,
            "endCursor": _cursor(start + len(nodes)) if nodes else None,
        },
    }


def _cursor(number: int) -> str:
    return base64.b64encode(f"cursor:v2:{number}".encode()).decode()


def _read(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().rpartition(":")[2])
    except ValueError:
        raise GraphQLFieldError(
            "INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor."
        ) from None
