"""The bot's credentials at GitHub: the app's JWT, and installation tokens for one repository and one purpose.

A token can do what its purpose needs and no more, in one repository. Reading the code, speaking on threads
and pushing are three purposes, and the pushing one is minted only when something is pushed. Tokens are
opaque strings of any length.
https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.errors import UserError
from bot.github.http.clock import ServerClock
from bot.github.http.responses import Forbidden, NotFound, Rejected
from bot.github.http.scope import Purpose, Scope

log = structlog.get_logger(__name__)

LEVELS = ("", "read", "write", "admin")
FEWER_KEPT = 60.0  # seconds that a token is used which may do less than it should: until more is accepted
EARLY = 300.0  # seconds before the end at which a token is replaced
# GitHub allows ten minutes, and advises to date the start back by one:
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_SECONDS, JWT_DATED_BACK = 540, 60
JWT_KEPT = 360.0


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    value: str
    renew_at: float  # on the monotonic clock


class Minter(Protocol):
    """The part of the app's own client that minting needs."""

    async def getitem(self, url: str, url_vars: Mapping[str, str] | None = ...) -> Any:
        """gidgethub's ``getitem``."""

    async def post(
        self, url: str, url_vars: Mapping[str, Any] | None = ..., *, data: Any, extra_headers: dict[str, str]
    ) -> Any:
        """gidgethub's ``post``."""


class AppCredential:
    """The app itself, by a JWT signed with its private key, read once: that takes a tenth of a second."""

    def __init__(self, app_id: int, private_key: str, clock: ServerClock) -> None:
        self._app_id = str(app_id)
        self._clock = clock
        self._pem = private_key
        self._current = _Token("", 0.0)

    async def header(self) -> str:
        """``Bearer`` and a JWT. Raises UserError when the private key is invalid."""
        if time.monotonic() < self._current.renew_at:
            return f"Bearer {self._current.value}"
        try:
            now = int(self._clock.now())
            claims = {"iss": self._app_id, "iat": now - JWT_DATED_BACK, "exp": now + JWT_SECONDS}
            signed = jwt.encode(claims, _read_key(self._pem), algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise UserError(
                f"HOB_PRIVATE_KEY is not an RSA private key in PEM form ({type(error).__name__})."
            ) from None
        self._current = _Token(signed, time.monotonic() + JWT_KEPT)
        return f"Bearer {signed}"

    async def discard(self, header: str) -> None:
        """Drop the JWT, so that the next header holds a new one."""
        self._current = _Token("", 0.0)


@lru_cache(maxsize=2)
def _read_key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("a key of another kind")
    return key


class Anonymous:
    """No credential, for what is public."""

    async def header(self) -> str:
        """No header at all."""
        return ""

    async def discard(self, header: str) -> None:
        """There is nothing to drop."""


class Tokens:
    """The installation tokens of this process. ``on_token`` is called with each new one, to redact it."""

    def __init__(
        self,
        app: Minter,
        *,
        mark: str,
        clock: ServerClock,
        on_token: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._mark = mark
        self._on_token = on_token
        self._current: dict[Scope, _Token] = {}
        self._minting: dict[Scope, asyncio.Task[_Token]] = {}

    async def get(self, scope: Scope) -> str:
        """A token good for at least ``EARLY`` more seconds, where GitHub grants that long.

        Raises UserError when the app was uninstalled or suspended, or lacks a permission or the repository.
        """
        current = self._current.get(scope)
        if current is not None and time.monotonic() < current.renew_at:
            return current.value
        minting = self._minting.get(scope)
        if minting is None:
            minting = asyncio.create_task(self._mint(scope))
            self._minting[scope] = minting
            minting.add_done_callback(lambda done: self._keep_minted(scope, done))
        # A caller that is cancelled must not take the others' token with it.
        return (await asyncio.shield(minting)).value

    def drop(self, scope: Scope, value: str) -> None:
        """Drop a token that GitHub does not accept; a newer one that was minted meanwhile stays."""
        current = self._current.get(scope)
        if current is not None and current.value == value:
            del self._current[scope]

    def drop_installation(self, installation: int) -> None:
        """Drop every token of an installation where the app was uninstalled or suspended."""
        self._current = {
            scope: current for scope, current in self._current.items() if scope.installation != installation
        }

    def _keep_minted(self, scope: Scope, done: asyncio.Task[_Token]) -> None:
        self._minting.pop(scope, None)
        if not done.cancelled() and done.exception() is None:
            self._current[scope] = done.result()

    async def _mint(self, scope: Scope) -> _Token:
        wanted = dict(scope.purpose.value)
        kept: float | None = None
        try:
            try:
                minted = await self._ask(scope, wanted)
            except Rejected as refused:
                accepted = await self._find_accepted(scope) if scope.purpose is Purpose.TALK else {}
                if accepted == wanted or not accepted.keys() - {"metadata"}:
                    raise refused from None
                log.warning("token.fewer_permissions", installation=scope.installation, has=accepted)
                minted, kept = await self._ask(scope, accepted), FEWER_KEPT
        except (NotFound, Forbidden, Rejected) as error:
            raise _explain_refusal(scope, error) from None
        value = str(minted["token"])
        if self._on_token is not None:
            self._on_token(value)
        lives = datetime.fromisoformat(minted["expires_at"]).timestamp() - self._clock.now() - EARLY
        return _Token(value, time.monotonic() + max(0.0, lives if kept is None else min(lives, kept)))

    async def _ask(self, scope: Scope, permissions: Mapping[str, str]) -> Any:
        wanted: dict[str, Any] = {"permissions": dict(permissions)}
        if scope.repo:
            wanted["repository_ids"] = [scope.repo]
        return await self._app.post(
            "/app/installations/{installation}/access_tokens",
            {"installation": str(scope.installation)},
            data=wanted,
            extra_headers={self._mark: "yes"},  # a second token does no harm
        )

    async def _find_accepted(self, scope: Scope) -> dict[str, str]:
        """What of a scope's permissions the installation has: after an update its owner must accept new ones.

        Nothing where GitHub does not tell.
        https://docs.github.com/en/rest/apps/apps#get-an-installation-for-the-authenticated-app
        """
        at = {"installation": str(scope.installation)}
        try:
            found = await self._app.getitem("/app/installations/{installation}", at)
        except (NotFound, Forbidden):
            return {}
        has = found.get("permissions") or {}
        rank = {level: at for at, level in enumerate(LEVELS)}
        levels = {
            name: min(level, str(has.get(name, "")), key=lambda one: rank.get(one, 0))
            for name, level in scope.purpose.value
        }
        return {name: level for name, level in levels.items() if level}


class InstallationCredential:
    """One scope of ``Tokens`` as a client uses it."""

    def __init__(self, tokens: Tokens, scope: Scope) -> None:
        self._tokens = tokens
        self._scope = scope

    async def header(self) -> str:
        """``Bearer`` and the token."""
        return f"Bearer {await self._tokens.get(self._scope)}"

    async def discard(self, header: str) -> None:
        """Drop the token, so that the next header holds a new one."""
        self._tokens.drop(self._scope, header.removeprefix("Bearer "))


def _explain_refusal(scope: Scope, error: NotFound | Forbidden | Rejected) -> UserError:
    wanted = ", ".join(f"{name}: {access}" for name, access in scope.purpose.value)
    if isinstance(error, NotFound):
        return NotFound(
            f"The app is not installed any more (installation {scope.installation}). Install it again, or "
            "check that HOB_APP_ID and HOB_PRIVATE_KEY belong to the app that is installed.",
            status=404,
        )
    if isinstance(error, Rejected):
        return Forbidden(
            f"GitHub gives no token for this repository ({error.said}). The app needs {wanted}: grant that "
            "in its settings, accept it for the installation, and let it reach this repository.",
            status=422,
        )
    return Forbidden(
        f"GitHub gives no token for installation {scope.installation}: {error.message}", status=error.status
    )
