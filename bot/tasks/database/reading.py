"""Connections for single statements, without a transaction around them."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_unwrapped: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()


def read_from(engine: AsyncEngine) -> AsyncConnection:
    """A connection for queries alone, for an ``async with``: each is a transaction by itself.

    SQLAlchemy ends a transaction that nobody commits with ROLLBACK. That costs three more round trips, and
    psycopg then forgets every statement that it had prepared on the connection, so that each is planned anew.
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """
    return _find_unwrapped(engine).connect()


def write_to(engine: AsyncEngine) -> AsyncConnection:
    """A connection for one statement that writes, for an ``async with``: it is a transaction by itself.

    That takes one round trip instead of three. What is to happen together needs ``engine.begin()``.
    """
    return _find_unwrapped(engine).connect()


def _find_unwrapped(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, with the same connections, without transactions; made once."""
    found = _unwrapped.get(engine)
    if found is None:
        found = _unwrapped[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return found
