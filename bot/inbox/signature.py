"""Whether a delivery was signed with one of our secrets, and whether it is JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

import orjson
from gidgethub import ValidationFailure
from gidgethub.sansio import validate_event

_SHA256 = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether ``signature`` (the X-Hub-Signature-256 header) is that of ``body`` under any of the secrets.

    Only SHA-256 in the form that GitHub sends; each secret is compared in constant time.
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    if not _SHA256.fullmatch(signature):
        return False
    fits = False
    for secret in secrets:
        try:
            validate_event(body, signature=signature, secret=secret)
            fits = True
        except ValidationFailure:
            continue
    return fits


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises ValueError for everything else, NaN and endless nesting too."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:  # stricter than JSON about half of a surrogate pair, so it decides nothing
        content = _read_slowly(body)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    return content


def _read_slowly(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
