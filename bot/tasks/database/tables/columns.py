"""What all tables are made with: the metadata that they belong to, and the kinds of column that most have."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, MetaData, Text, func

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def allow_only(column: str, values: Iterable[str]) -> CheckConstraint:
    """A CHECK that the text column has one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def make_time(name: str, *, default: bool = False) -> Column[object]:
    """A time with its zone: NULL until it is set, or with ``default`` the time of the insertion."""
    if default:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True))


def make_text(name: str) -> Column[str]:
    """A text, '' by default."""
    return Column(name, Text, nullable=False, server_default="")


def make_count(name: str) -> Column[int]:
    """An integer that begins at 0."""
    return Column(name, Integer, nullable=False, server_default="0")
