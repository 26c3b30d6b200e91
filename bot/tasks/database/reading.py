"""Connections for queries, without a transaction around them."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


def read_from(engine: AsyncEngine) -> AsyncConnection:
    """A connection for queries alone, for an ``async with``: each is a transaction by itself.

    SQLAlchemy ends a transaction that nobody commits with ROLLBACK. That costs three more round trips, and
    psycopg then forgets every statement that it had prepared on the connection, so that each is planned anew.
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT").connect()
