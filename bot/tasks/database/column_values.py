"""Values to what a column holds, and back.

PostgreSQL takes neither NUL nor half a surrogate pair in text or JSON, nor NaN in JSON; all of them come in
through file contents, file names and webhooks. They are replaced here, once, instead of failing a run late.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BYTES = "$bytes"


def plain(value: Any) -> Any:
    """The value as JSON that PostgreSQL stores: dataclasses and mappings as objects, times in ISO 8601."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {storable(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def storable(text: str) -> str:
    """The text with U+FFFD for what PostgreSQL cannot hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def restore(kind: type[T], stored: Any) -> T:
    """A dataclass from its stored JSON. Keys it does not know are dropped: a newer version wrote them."""
    key: Any = kind  # mypy does not take type[T] for something that can be hashed
    restored: T = _adapter(key).validate_python(stored)
    return restored


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def pack(content: Mapping[str, Any]) -> bytes:
    """Any JSON, with bytes allowed in it and no character lost, compressed: for columns nobody searches."""
    text = json.dumps(content, default=_encode, separators=(",", ":"))
    return zlib.compress(text.encode("ascii"), 3)


def unpack(stored: bytes) -> dict[str, Any]:
    """What ``pack`` was given (tuples come back as lists)."""
    content: dict[str, Any] = json.loads(zlib.decompress(stored), object_hook=_decode)
    return content


def _encode(value: object) -> object:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode("ascii")}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be packed")


def _decode(found: dict[str, Any]) -> Any:
    return base64.b64decode(found[_BYTES]) if found.keys() == {_BYTES} else found
