"""An App's webhook: its configuration, what was delivered, and delivering again."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from localhub.errors import ApiError, not_found
from localhub.rest.api import Call, Routes, answer
from localhub.state import Row

routes = Routes()

BASE = "/app/hook"


def _render_config(row: Row) -> dict[str, Any]:
    config = {"content_type": "json", "insecure_ssl": "0", "url": row["webhook_url"] or ""}
    return config | ({"secret": "********"} if row["webhook_secret"] else {})


@routes.get(BASE + "/config", app="jwt")
async def get_config(call: Call) -> web.Response:
    """GET /app/hook/config."""
    return answer(_render_config(call.actor.own_app))


@routes.patch(BASE + "/config", app="jwt")
async def change_config(call: Call) -> web.Response:
    """PATCH /app/hook/config: url and secret."""
    names = {"url": "webhook_url", "secret": "webhook_secret"}
    changes = {column: call.body.maybe(name) for name, column in names.items() if name in call.body}
    call.hub.state.update("apps", call.actor.own_app["id"], updated_at=call.hub.state.now(), **changes)
    return answer(_render_config(call.hub.state.app(call.actor.own_app["id"])))


def _render_delivery(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": row["delivered_at"],
        "redelivery": bool(row["redelivery"]),
        "duration": row["duration"],
        "status": row["status"],
        "status_code": row["status_code"],
        "event": row["event"],
        "action": row["action"],
        "installation_id": row["installation_id"],
        "repository_id": row["repo_id"],
        "throttled_at": None,
    }


@routes.get(BASE + "/deliveries", app="jwt")
async def list_all(call: Call) -> web.Response:
    """GET /app/hook/deliveries, newest first, paged by ``cursor``; filtered by status failure or success."""
    size = min(int(call.query("per_page") or 30), 100)
    before = call.query("cursor").removeprefix("v1_")
    if before and not before.isdigit():
        raise ApiError(422, "Invalid cursor")
    rows = call.hub.state.all(
        "SELECT * FROM deliveries WHERE app_id = ? AND duration IS NOT NULL AND id < ?"
        " AND (? = '' OR (status = 'OK') = (? = 'success')) ORDER BY id DESC LIMIT ?",
        call.actor.app_id, int(before or 2**62), call.query("status"), call.query("status"), size + 1,
    )  # fmt: skip
    headers = {}
    if len(rows) > size:
        url = call.request.url.update_query(cursor=f"v1_{rows[size - 1]['id']}")
        headers["Link"] = f'<{call.hub.web_url}{url.raw_path}?{url.raw_query_string}>; rel="next"'
    return answer([_render_delivery(row) for row in rows[:size]], headers=headers)


def _find_delivery(call: Call) -> Row:
    sql = "SELECT * FROM deliveries WHERE id = ? AND app_id = ?"
    row = call.hub.state.maybe(sql, call.number("id"), call.actor.app_id)
    if row is None:
        raise not_found()
    return row


@routes.get(BASE + "/deliveries/{id:\\d+}", app="jwt")
async def get(call: Call) -> web.Response:
    """GET /app/hook/deliveries/{id}, with what was sent and answered."""
    row = _find_delivery(call)
    request = {"headers": json.loads(row["request_headers_json"]), "payload": json.loads(row["payload"])}
    response = {"headers": json.loads(row["response_headers_json"]), "payload": row["response_body"]}
    url = call.actor.own_app["webhook_url"] or ""
    return answer(_render_delivery(row) | {"url": url, "request": request, "response": response})


@routes.post(BASE + "/deliveries/{id:\\d+}/attempts", app="jwt")
async def redeliver(call: Call) -> web.Response:
    """POST /app/hook/deliveries/{id}/attempts: once more, with the same GUID."""
    call.hub.webhooks.redeliver(_find_delivery(call))
    return answer({}, 202)
