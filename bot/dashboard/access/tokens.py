"""Personal tokens for programs that read the API: made by a person who is signed in, shown once, revocable.

A token is 256 random bits. Stored is its SHA-256, and the person's GitHub token encrypted under a key made of
it. GitHub is asked with that what the person may see, as for a session, and a token ends when GitHub's does.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from datetime import timedelta

from cachetools import LRUCache
from cryptography.fernet import InvalidToken
from sqlalchemy import Engine, delete, func, insert, select, update

from bot.dashboard.access.roles import RepositoryAccess, load_access
from bot.dashboard.access.sessions import ACCESS_AGE, Session, make_cipher
from bot.dashboard.access.viewer import Viewer
from bot.dashboard.page_reader import Row
from bot.errors import HobError
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import api_tokens

PREFIX = "hob_"
LONGEST_LIFE = timedelta(days=90)
MOST_TOKENS = 20  # of one person
LONGEST_NAME = 100  # characters
REQUESTS, REQUEST_SECONDS = 120, 60.0  # that one token may make in so many seconds
_SECRET_LENGTH = len(PREFIX) + 43


class TooManyTokens(HobError):
    """The person has as many tokens as one may have."""


class ApiTokens:
    """The tokens of one database, and how often each was used lately in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._used: LRUCache[str, tuple[float, float]] = LRUCache(10_000)  # requests left, and when that was

    def make(self, viewer: Viewer, name: str) -> str:
        """Make a token for a person who is signed in; returns it, for them alone. Raises TooManyTokens."""
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {
            "digest": _digest(secret),
            "name": storable(name.strip())[:LONGEST_NAME] or "unnamed",
            "person": viewer.person,
            "login": viewer.login,
            "token": make_cipher(secret, "API token").encrypt(viewer.token.encode()),
            "access": viewer.access.to_stored(),
            "access_at": func.now(),
            "expires_at": func.now() + LONGEST_LIFE,
        }
        mine = select(func.count()).where(api_tokens.c.person == viewer.person)
        with self._engine.begin() as connection:
            connection.execute(delete(api_tokens).where(api_tokens.c.expires_at <= func.now()))
            if connection.execute(mine).scalar_one() >= MOST_TOKENS:
                raise TooManyTokens(f"You have {MOST_TOKENS} tokens already; revoke one.")
            connection.execute(insert(api_tokens).values(row))
        return secret

    def list_tokens(self, person: int) -> list[Row]:
        """A person's tokens, without their secrets."""
        columns = [api_tokens.c[name] for name in ("id", "name", "created_at", "used_at", "expires_at")]
        query = select(*columns).where(api_tokens.c.person == person, api_tokens.c.expires_at > func.now())
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(api_tokens.c.id)).mappings()]

    def revoke(self, person: int, number: int) -> bool:
        """End a token of this person's; False where there is none."""
        mine = delete(api_tokens).where(api_tokens.c.id == number, api_tokens.c.person == person)
        with self._engine.begin() as connection:
            return connection.execute(mine).rowcount == 1

    def find(self, secret: str) -> Session | None:
        """Whose token it is, as a session; None where there is none, or it has ended."""
        if len(secret) != _SECRET_LENGTH or not secret.startswith(PREFIX):
            return None
        fresh = api_tokens.c.access_at > func.now() - ACCESS_AGE
        mine = (api_tokens.c.digest == _digest(secret), api_tokens.c.expires_at > func.now())
        used = (
            update(api_tokens)
            .where(*mine)
            .values(used_at=func.now())
            .returning(api_tokens, fresh.label("fresh"))
        )
        with self._engine.begin() as connection:
            row = connection.execute(used).first()
        if row is None:
            return None
        try:
            token = make_cipher(secret, "API token").decrypt(bytes(row.token)).decode()
        except InvalidToken:
            return None
        access = load_access(row.access) if row.fresh else None
        return Session(person=row.person, login=row.login, token=token, access=access)

    def store_access(self, secret: str, access: RepositoryAccess) -> None:
        """Store what GitHub just said of the person's repositories."""
        values = {"access": access.to_stored(), "access_at": func.now()}
        with self._engine.begin() as connection:
            connection.execute(
                update(api_tokens).where(api_tokens.c.digest == _digest(secret)).values(values)
            )

    def end(self, secret: str) -> None:
        """Delete a token whose GitHub token is no longer accepted."""
        with self._engine.begin() as connection:
            connection.execute(delete(api_tokens).where(api_tokens.c.digest == _digest(secret)))

    def take_request(self, secret: str) -> float:
        """Count a request with a token; 0, or after how many seconds it may be made again."""
        digest, now = _digest(secret), time.monotonic()
        with self._lock:
            left, at = self._used.get(digest, (float(REQUESTS), now))
            left = min(REQUESTS, left + (now - at) * REQUESTS / REQUEST_SECONDS)
            if left < 1:
                self._used[digest] = (left, now)
                return (1 - left) * REQUEST_SECONDS / REQUESTS
            self._used[digest] = (left - 1, now)
            return 0.0


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
