"""The app as operators' commands use it: over PyGithub, a client that shares nothing with the worker's.

Synchronous: never in the event loop.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from github import Auth, GithubException, GithubIntegration
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr


class AppAccess(Protocol):
    """The settings that administration needs; ``bot.settings.Settings`` has them."""

    @property
    def github_url(self) -> str:
        """The API's root."""

    @property
    def app_id(self) -> int:
        """The app's id."""

    @property
    def private_key(self) -> SecretStr:
        """The app's private key, PEM."""

    @property
    def base_url(self) -> str:
        """Where people reach the dashboard."""

    @property
    def label(self) -> str:
        """The label that asks for work."""

    @property
    def discussions(self) -> bool:
        """Whether questions in discussions are answered."""


def open_app(settings: AppAccess, write_spacing: float = 1.0) -> GithubIntegration:
    """The app's own client; ``write_spacing`` is the seconds between writes, 0 for none."""
    pem = settings.private_key.get_secret_value()

    def sign(claims: dict[str, object]) -> str:
        return jwt.encode(claims, _read_key(pem), algorithm="RS256")

    auth = Auth.AppAuth(settings.app_id, sign_func=sign)
    return GithubIntegration(
        auth=auth,
        base_url=settings.github_url.rstrip("/"),
        seconds_between_requests=None,
        seconds_between_writes=write_spacing or None,
    )


@lru_cache(maxsize=2)
def _read_key(pem: str) -> RSAPrivateKey:
    """The key as PyJWT reads it; only once, since checking its numbers takes 0.05 s."""
    key = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(pem)
    if not isinstance(key, RSAPrivateKey):
        raise jwt.InvalidKeyError("the private key is wanted, not the public one")
    return key


def describe_error(error: Exception) -> str:
    """An error in a few words, without headers, tokens or keys."""
    if isinstance(error, GithubException):
        data = error.data if isinstance(error.data, dict) else {}
        return f"{error.status} {data.get('message', '')}".strip()
    return type(error).__name__
