"""Who is calling: personal tokens, App JWTs, installation tokens, and what each may do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from localhub.errors import ApiError, not_found
from localhub.state import Row, State, stamp

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
LEVELS = ("none", "read", "write", "admin")
JWT_LIFETIME = 600
CLOCK_DRIFT = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A caller. ``account`` is the user or the App's bot; nobody and a bare App (JWT) have none."""

    kind: Literal["anonymous", "user", "app", "installation"] = "anonymous"
    account: Row | None = None
    app: Row | None = None
    installation: Row | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    repo_ids: frozenset[int] | None = None

    @property
    def writer(self) -> Row:
        """The account that writes; 401 when nobody is signed in."""
        if self.account is None:
            raise ApiError(401, "Requires authentication")
        return self.account

    @property
    def account_id(self) -> int:
        """The id of the account that writes; 401 when nobody is signed in."""
        return int(self.writer["id"])

    @property
    def own_app(self) -> Row:
        """The App that calls; 401 for anybody else."""
        if self.app is None:
            raise ApiError(401, "A JSON web token could not be decoded")
        return self.app

    @property
    def app_id(self) -> int | None:
        """The App through which a write is made (``performed_via_github_app``)."""
        return None if self.app is None else int(self.app["id"])

    @property
    def name(self) -> str:
        """The caller's name in the record of requests."""
        if self.account is not None:
            return str(self.account["login"])
        return "anonymous" if self.app is None else f"app:{self.app['slug']}"


ANONYMOUS = Actor()


def user_actor(account: Row) -> Actor:
    """The actor of a signed-in person, as by a personal token with every scope."""
    return Actor(kind="user", account=account)


def bad_credentials() -> ApiError:
    """401 for a token that is unknown, revoked or expired."""
    return ApiError(401, "Bad credentials")


def authenticate(state: State, header: str | None) -> Actor:
    """The caller by the Authorization header: ``token``, ``Bearer`` or Basic (the token as password)."""
    if not header:
        return ANONYMOUS
    scheme, _, value = header.partition(" ")
    token = value.strip()
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise bad_credentials() from None
    elif scheme.lower() not in ("token", "bearer"):
        raise bad_credentials()
    if token.count(".") == 2 and not token.startswith("gh"):
        return _by_jwt(state, token)
    return _by_token(state, token)


def _by_token(state: State, token: str) -> Actor:
    if token.startswith("ghu_"):
        return _by_user_token(state, token)
    row = state.maybe("SELECT * FROM tokens WHERE digest = ?", token_digest(token))
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= state.time()):
        raise bad_credentials()
    if row["account_id"] is not None:
        return user_actor(state.account(row["account_id"]))
    installation = state.one("SELECT * FROM installations WHERE id = ?", row["installation_id"])
    app = state.app(installation["app_id"])
    if installation["suspended_at"] is not None:
        raise ApiError(403, "This installation has been suspended")
    return Actor(
        kind="installation",
        account=state.account(app["bot_id"]),
        app=app,
        installation=installation,
        permissions=json.loads(row["permissions_json"]),
        repo_ids=None if row["repo_ids_json"] is None else frozenset(json.loads(row["repo_ids_json"])),
    )


def _by_user_token(state: State, token: str) -> Actor:
    """A person who acts through an App: https://docs.github.com/en/apps/using-github-apps/about-using-github-apps"""
    row = state.maybe("SELECT * FROM user_tokens WHERE digest = ?", token_digest(token))
    if row is None or row["expires_at"] <= state.time():
        raise bad_credentials()
    return Actor(kind="user", account=state.account(row["account_id"]), app=state.app(row["app_id"]))


def _by_jwt(state: State, token: str) -> Actor:
    undecodable = ApiError(401, "A JSON web token could not be decoded")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise undecodable from None
    issuer = str(claims.get("iss", ""))
    app = state.maybe("SELECT * FROM apps WHERE CAST(id AS TEXT) = ? OR client_id = ?", issuer, issuer)
    if app is None:
        raise ApiError(404, "Integration not found")
    try:
        jwt.decode(
            token,
            read_private_key(app["private_key"]).public_key(),
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_iss": False},
        )
    except jwt.InvalidTokenError:
        raise undecodable from None
    _check_times(claims, state.time())
    return Actor(kind="app", app=app)


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float) or issued > now + CLOCK_DRIFT:
        text = "must be an Integer representing the time that the assertion was issued"
        raise ApiError(401, f"'Issued at' claim ('iat') {text}")
    if not isinstance(expires, int | float) or expires <= now:
        text = "must be a numeric value representing the future time at which the assertion expires"
        raise ApiError(401, f"'Expiration time' claim ('exp') {text}")
    if expires > now + JWT_LIFETIME + CLOCK_DRIFT:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")


@cache
def read_private_key(pem: str) -> RSAPrivateKey:
    """An App's key, read once: OpenSSL checks it thoroughly each time."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("an App's key is an RSA key")
    return key


def token_digest(token: str) -> str:
    """The form in which a token is stored: its SHA-256 as hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_personal_token(state: State, account_id: int) -> str:
    """Make a personal token that does not expire."""
    token = f"ghp_{secrets.token_hex(18)}"
    state.insert("tokens", digest=token_digest(token), account_id=account_id, created_at=state.now())
    return token


def make_installation_token(
    state: State,
    installation: Row,
    permissions: dict[str, str],
    repo_ids: Iterable[int] | None,
    lifetime: float,
) -> tuple[str, str]:
    """Make an installation token in GitHub's format of 2026: ``ghs_APPID_JWT``, about 520 characters.

    Returns the token and when it expires.
    """
    now = state.time()
    claims = {
        "iss": "github", "aud": "api", "sub": installation["id"], "iat": int(now), "exp": int(now + lifetime),
        "jti": secrets.token_hex(8),
    }  # fmt: skip
    key = read_private_key(state.app(installation["app_id"])["private_key"])
    token = f"ghs_{installation['app_id']}_{jwt.encode(claims, key, algorithm='RS256')}"
    state.insert(
        "tokens",
        digest=token_digest(token),
        installation_id=installation["id"],
        permissions_json=json.dumps(permissions),
        repo_ids_json=None if repo_ids is None else json.dumps(sorted(repo_ids)),
        expires_at=now + lifetime,
        created_at=state.now(),
    )
    return token, stamp(now + lifetime)


def role_of(state: State, repo: Row, account_id: int | None) -> str:
    """A person's role in a repository: admin for the owner, a collaborator's own, read where it is public."""
    if account_id is not None:
        owner = state.account(repo["owner_id"])
        if account_id in (owner["id"], owner["owner_id"]):
            return "admin"
        row = state.maybe(
            "SELECT role FROM collaborators WHERE repo_id = ? AND account_id = ?", repo["id"], account_id
        )
        if row is not None:
            return str(row["role"])
    return "none" if repo["private"] else "read"


def includes_level(have: str, want: str, scale: tuple[str, ...] = ROLES) -> bool:
    """Whether one role (or permission level) includes another."""
    return scale.index(have) >= scale.index(want)


def has_repository(state: State, installation: Row, repo: Row) -> bool:
    """Whether an installation has been given a repository."""
    if installation["account_id"] != repo["owner_id"] or installation["suspended_at"] is not None:
        return False
    if installation["repository_selection"] == "all":
        return True
    sql = "SELECT 1 FROM installation_repos WHERE installation_id = ? AND repo_id = ?"
    return state.maybe(sql, installation["id"], repo["id"]) is not None


def check_repo(state: State, actor: Actor, repo: Row, *, app: str, user: str) -> None:
    """Raise unless the caller may do this with the repository.

    ``app`` is what an installation token needs, as ``contents:write`` or with alternatives
    ``issues:write|pull_requests:write``; ``user`` the role that a person needs.
    """
    if actor.kind == "installation":
        _check_installation(state, actor, repo, app)
        return
    if actor.kind == "user" and actor.app is not None:
        _check_installation(state, _as_installation(state, actor.app, repo), repo, app)
    role = role_of(state, repo, None if actor.account is None else actor.account["id"])
    if role == "none":
        raise not_found()
    if not includes_level(role, user):
        if actor.kind == "anonymous":
            raise ApiError(401, "Requires authentication")
        # GitHub hides what only an administrator may touch, and refuses the rest openly.
        raise not_found() if user == "admin" else ApiError(403, "Must have push access to the repository.")


def _as_installation(state: State, app: Row, repo: Row) -> Actor:
    """The App where it is installed for a repository: through it a person can do no more than it can."""
    sql = "SELECT * FROM installations WHERE app_id = ? AND account_id = ?"
    row = state.maybe(sql, app["id"], repo["owner_id"])
    granted = json.loads(row["permissions_json"]) if row else {}
    return Actor(kind="installation", app=app, installation=row, permissions=granted)


def _check_installation(state: State, actor: Actor, repo: Row, needs: str) -> None:
    inside = actor.installation is not None and has_repository(state, actor.installation, repo)
    inside = inside and (actor.repo_ids is None or repo["id"] in actor.repo_ids)
    if not inside and repo["private"]:
        raise not_found()
    choices = [choice.split(":") for choice in needs.split("|")]
    if not inside:
        if any(level == "read" for _, level in choices):
            return
        raise permission_error(needs)
    if not any(includes_level(actor.permissions.get(name, "none"), level, LEVELS) for name, level in choices):
        raise permission_error(needs)


def permission_error(needs: str) -> ApiError:
    """403 with the header that names the permissions which would do, as GitHub sends it."""
    accepted = "; ".join(choice.replace(":", "=") for choice in needs.split("|"))
    return ApiError(
        403, "Resource not accessible by integration", headers={"X-Accepted-GitHub-Permissions": accepted}
    )
