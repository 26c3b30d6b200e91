"""What the API answers when it refuses, in GitHub's own shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """A refusal that becomes a JSON answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message, self.errors = status, message, errors
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The answer to send."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        body |= {"documentation_url": DOCS, "status": str(self.status)}
        return web.Response(
            status=self.status,
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json; charset=utf-8", **self.headers},
        )


def not_found() -> ApiError:
    """404, also for what the caller may not know of."""
    return ApiError(404, "Not Found")


def invalid(
    resource: str, field: str, code: str = "invalid", message: str | None = None, **more: Any
) -> ApiError:
    """422 Validation Failed with one error."""
    error: dict[str, Any] = {"resource": resource, "code": code, "field": field}
    if message is not None:
        error["message"] = message
    return ApiError(422, "Validation Failed", errors=[error | more])


def custom(resource: str, message: str) -> ApiError:
    """422 Validation Failed with one error that has only a text."""
    return ApiError(
        422, "Validation Failed", errors=[{"resource": resource, "code": "custom", "message": message}]
    )


def malformed(reason: str) -> ApiError:
    """422 for a body that is not as the description of the API wants it."""
    return ApiError(422, f"Invalid request.\n\n{reason}")
