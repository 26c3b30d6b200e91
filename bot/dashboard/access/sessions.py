"""Who is signed in: rows of PostgreSQL, found by a secret that only the person's browser has.

The cookie is 256 random bits. Stored is its SHA-256, and the person's GitHub token encrypted under a key made
of the cookie, so that a copy of the database signs nobody in and holds no token. A session ends after eight
hours at the latest, or with its token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Engine, delete, func, insert, select, update

from bot.dashboard.access.roles import RepositoryAccess, load_access
from bot.tasks.database.tables import web_sessions

LONGEST = timedelta(hours=8)
ACCESS_AGE = timedelta(minutes=5)  # for so long GitHub's answer about a person's repositories counts
_SECRET_LENGTH = 43  # characters of token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in person. ``access`` is None where GitHub has to be asked again."""

    person: int
    login: str
    token: str
    access: RepositoryAccess | None


class Sessions:
    """The sessions of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, *, person: int, login: str, token: str, seconds: float, access: RepositoryAccess) -> str:
        """Store a session that ends in ``seconds`` at the latest; returns its secret, for the cookie alone.

        The secret is new each time, whatever the browser brought. What has ended is deleted.
        """
        secret = secrets.token_urlsafe(32)
        ends = func.now() + min(LONGEST, timedelta(seconds=seconds))
        row = {
            "digest": _digest(secret),
            "person": person,
            "login": login,
            "token": make_cipher(secret, "session token").encrypt(token.encode()),
            "access": access.to_stored(),
            "access_at": func.now(),
            "expires_at": ends,
        }
        with self._engine.begin() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.expires_at <= func.now()))
            connection.execute(insert(web_sessions).values(row))
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of a cookie; None where there is none, or it has ended."""
        if len(secret) != _SECRET_LENGTH:
            return None
        fresh = web_sessions.c.access_at > func.now() - ACCESS_AGE
        query = select(web_sessions, fresh.label("fresh")).where(
            web_sessions.c.digest == _digest(secret), web_sessions.c.expires_at > func.now()
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        try:
            token = make_cipher(secret, "session token").decrypt(bytes(row.token)).decode()
        except InvalidToken:
            return None
        known = row.access if row.fresh else None
        access = None if known is None else load_access(known)
        return Session(person=row.person, login=row.login, token=token, access=access)

    def store_access(self, secret: str, access: RepositoryAccess) -> None:
        """Store what GitHub just said of the person's repositories."""
        values = {"access": access.to_stored(), "access_at": func.now()}
        mine = web_sessions.c.digest == _digest(secret)
        with self._engine.begin() as connection:
            connection.execute(update(web_sessions).where(mine).values(values))

    def end(self, secret: str) -> None:
        """Sign out."""
        with self._engine.begin() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.digest == _digest(secret)))


def make_cipher(secret: str, purpose: str) -> Fernet:
    """A cipher whose key is made of a secret, another one for each purpose."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"hob {purpose}".encode()).derive(
        secret.encode()
    )
    return Fernet(base64.urlsafe_b64encode(key))


def make_form_token(secret: str) -> str:
    """What the forms of a session carry, so that no other site can send one."""
    return hmac.new(secret.encode(), b"hob form", hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
