"""Blocks as an operator changes them on the dashboard, with the functions of ``hob block``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.tasks.safety.operator_blocks import block_person, unblock_person
from bot.tasks.store import Store


class BlockBoard:
    """Blocks over one database. Who cannot be blocked so raises BlockError, and nothing is changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def block(self, who: str, repository: str, reason: str, by: str) -> str:
        """Stop taking requests from somebody; returns a sentence on what was done."""
        return self._do(lambda store: block_person(store, who, repository, reason=reason, by=by))

    def unblock(self, who: str, repository: str) -> str:
        """Take somebody's requests again; returns a sentence on what was done."""
        return self._do(lambda store: unblock_person(store, who, repository))

    def _do(self, order: Callable[[Store], Awaitable[str]]) -> str:
        """Carry out an order with the store, which is asynchronous, on a connection of its own."""

        async def run() -> str:
            engine = create_async_engine(self._engine.url, poolclass=NullPool)
            try:
                return await order(Store(engine))
            finally:
                await engine.dispose()

        return asyncio.run(run())
