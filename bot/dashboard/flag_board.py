"""Flags and the kill switch as an operator changes them on the dashboard; each change is written down."""

from __future__ import annotations

from sqlalchemy import Engine

from bot.flags.kill import kill, resume
from bot.flags.order import FlagOrder, carry_out, clear
from bot.flags.records import Actor, StoredRule, list_rules
from bot.flags.releases import StoredRelease, list_releases, stop_release
from bot.settings import Settings


class FlagBoard:
    """Flags over one database. An order that is not possible raises FlagError, and changes nothing."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine, self._settings = engine, settings

    def list_rules(self) -> list[StoredRule]:
        """Every rule, by flag and audience."""
        with self._engine.connect() as connection:
            return list_rules(connection)

    def list_releases(self) -> list[StoredRelease]:
        """The newest releases, those that go on first."""
        with self._engine.connect() as connection:
            return list_releases(connection)

    def stop_release(self, flag: str, by: Actor) -> None:
        """End a flag's release: nobody has its value any more."""
        with self._engine.begin() as connection:
            stop_release(connection, flag, by)

    def set(self, order: FlagOrder, by: Actor) -> None:
        """Have a flag say something to an audience."""
        with self._engine.begin() as connection:
            carry_out(connection, order, by, self._settings.allowed_models)

    def clear(self, order: FlagOrder, by: Actor) -> None:
        """Have a flag say nothing to an audience."""
        with self._engine.begin() as connection:
            clear(connection, order, by)

    def kill(self, scope: str, by: Actor, *, running: bool, reason: str) -> None:
        """Begin no more tasks there and, where ``running``, stop what runs; the audit log says how many."""
        with self._engine.connect() as connection:
            kill(connection, scope, by, running=running, reason=reason)

    def resume(self, scope: str, by: Actor) -> None:
        """Begin tasks there again; the workers' next sweep finds them."""
        with self._engine.begin() as connection:
            resume(connection, scope, by)
