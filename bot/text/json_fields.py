"""Reading untrusted JSON without surprises: every access says what it expects, and fails with the field's
path.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

LARGEST_ID = 2**63 - 1  # what a bigint column holds


class BadPayload(ValueError):
    """JSON that is not what GitHub documents. ``path`` names the field, such as ``comment.user.id``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'payload'} {problem}")
        self.path = path
        self.problem = problem


def load(body: bytes) -> Fields:
    """The JSON object in a request's body."""
    try:
        data = json.loads(body.decode("utf-8"), parse_constant=_not_json)
    except (ValueError, RecursionError) as wrong:
        raise BadPayload("", "is not JSON in UTF-8") from wrong
    return fields(data)


def fields(data: Any, path: str = "") -> Fields:
    """``data`` as an object to read from; it must be one."""
    if not isinstance(data, dict):
        raise BadPayload(path, "is not an object")
    return Fields(data, path)


class Fields:
    """An object of the payload. Methods without a default raise `BadPayload` for missing and null fields."""

    def __init__(self, data: dict[str, Any], path: str = "") -> None:
        self._data = data
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._data.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        value = self._data.get(name, default)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number that is not negative, such as every id."""
        value = self._data.get(name, default)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_ID:
            raise self._wrong(name, "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """True or false; missing is false."""
        value = self._data.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return bool(value)

    def time(self, *names: str) -> datetime:
        """The first of these fields that is there, as an aware time."""
        name = next((name for name in names if self.has(name)), names[0])
        value = self._data.get(name)
        try:
            if isinstance(value, int) and not isinstance(value, bool):  # as in push events
                return datetime.fromtimestamp(value, UTC)
            if isinstance(value, str):
                found = datetime.fromisoformat(value)
                return found if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise self._wrong(name, "a time")

    def object(self, name: str) -> Fields:
        """An object below this one."""
        value = self._data.get(name)
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Fields(value, self._at(name))

    def maybe(self, name: str) -> Fields | None:
        """An object below this one, None when it is missing or null."""
        return self.object(name) if self.has(name) else None

    def objects(self, name: str) -> Iterator[Fields]:
        """The objects of a list; a missing one is empty."""
        values = self._data.get(name)
        if values is None:
            return
        if not isinstance(values, list):
            raise self._wrong(name, "a list")
        for at, value in enumerate(values):
            yield fields(value, self._at(f"{name}[{at}]"))

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _wrong(self, name: str, wanted: str) -> BadPayload:
        problem = f"is not {wanted}" if self.has(name) else "is missing"
        return BadPayload(self._at(name), problem)


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
