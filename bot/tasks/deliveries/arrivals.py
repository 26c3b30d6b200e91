"""Deliveries as they arrive: one statement stores all of a commit, and one job wakes a worker for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.tasks.database.column_values import plain
from bot.tasks.wake import wake_deliveries

# All but the bodies as one JSON text, and these in binary: a row of its own for each delivery, as SQLAlchemy
# writes them, takes ten times as long to build. https://www.psycopg.org/psycopg3/docs/basic/params.html
_INSERT = """
INSERT INTO deliveries (guid, event, action, installation, headers, about, body_sha256, body)
SELECT * FROM ROWS FROM (
    jsonb_to_recordset(%(rows)s::jsonb)
        AS (guid text, event text, action text, installation bigint, headers jsonb, about text, digest text),
    unnest(%(bodies)b::bytea[])
)
ON CONFLICT DO NOTHING
RETURNING guid
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedDelivery:
    """A webhook delivery that is to be stored, byte for byte.

    ``about`` is the URL of its subject: '' without one, None where it is not known.
    """

    guid: str
    event: str
    body: bytes
    headers: Mapping[str, str]
    action: str = ""
    installation: int = 0
    about: str | None = None


Stored = Literal["new", "duplicate", "conflict"]


def hash_body(body: bytes) -> str:
    """A digest of a body, to compare bodies by."""
    return hashlib.sha256(body).hexdigest()


async def insert_arrived(connection: AsyncConnection, arrived: Sequence[ArrivedDelivery]) -> set[str]:
    """Store those whose GUID is not known yet, and wake a worker for them; returns these GUIDs.

    Of several with one GUID the first is stored.
    """
    first = {each.guid: each for each in reversed(arrived)}
    # In one order, so that two transactions with the same GUIDs wait for each other and do not deadlock.
    rows = [first[guid] for guid in sorted(first)]
    described = [
        {
            "guid": each.guid,
            "event": each.event,
            "action": each.action,
            "installation": each.installation,
            "headers": dict(each.headers),
            "about": each.about,
            "digest": hash_body(each.body),
        }
        for each in rows
    ]
    values = {"rows": _write_json(described), "bodies": [each.body for each in rows]}
    fresh = set((await connection.exec_driver_sql(_INSERT, values)).scalars())
    if fresh:
        await wake_deliveries(connection, [each.guid for each in rows if each.guid in fresh])
    return fresh


def _write_json(described: list[dict[str, Any]]) -> str:
    """JSON that PostgreSQL takes; looked through value by value only where something might be in it."""
    text = json.dumps(described)
    return json.dumps(plain(described)) if "\\u0000" in text or "\\ud" in text else text
