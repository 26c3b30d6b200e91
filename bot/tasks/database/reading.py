"""Connections for single statements, without a transaction around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@asynccontextmanager
async def read_from(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for queries alone: each is a transaction by itself.

    That takes one round trip instead of three, and spares the ROLLBACK that follows queries in a transaction:
    psycopg then forgets every statement that it had prepared on the connection, so that each is planned anew.
    https://www.psycopg.org/psycopg3/docs/advanced/prepare.html
    """
    async with engine.connect() as connection:
        try:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
        except BaseException:
            # Cancelled in between it may be without transactions already, which the pool would not know of.
            # An engine with this option, in turn, loses a connection whose checkout is cancelled there.
            await connection.invalidate()
            raise
        yield connection


@asynccontextmanager
async def write_to(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for one statement that writes: it is a transaction by itself.

    That takes one round trip instead of three. What is to happen together needs ``engine.begin()``.
    """
    async with read_from(engine) as connection:
        yield connection
