"""The person who looks at a page, and the check that stands before every page."""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, current_app, g, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.dashboard.access.github import SignIn, SignInRefused, TokenRefused
from bot.dashboard.access.roles import RepositoryAccess
from bot.dashboard.access.sessions import Session, Sessions, make_form_token

log = structlog.get_logger(__name__)

_OPEN: Final = frozenset({"static", "pages.healthz", "sign_in.ask", "sign_in.begin", "sign_in.finish"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks. ``sees_all``: an operator, or somebody on this machine itself.

    ``form_token`` is '' and ``token`` too where nobody is signed in: then nothing can be done, only seen.
    """

    person: int = 0
    login: str = ""
    access: RepositoryAccess
    sees_all: bool = False
    token: str = ""
    form_token: str = ""

    def may_see(self, repo_id: int) -> bool:
        """Whether the repository's tasks are shown to them."""
        return self.sees_all or repo_id in self.access.roles

    def may_write(self, repo_id: int) -> bool:
        """Whether they may give orders about the repository: by their role on GitHub, which operators need as
        well.
        """
        return bool(self.token) and self.access.may_write(repo_id)

    @property
    def repos(self) -> list[int] | None:
        """The repositories that a list is about; None: all of them."""
        return None if self.sees_all else sorted(self.access.roles)


NOBODY = Viewer(access=RepositoryAccess(roles={}))
ON_THIS_MACHINE = Viewer(access=RepositoryAccess(roles={}), sees_all=True)


def find_viewer() -> Viewer:
    """Who looks at this page. Only for pages behind the check."""
    viewer: Viewer = g.viewer
    return viewer


def find_session_secret() -> str:
    """What the browser's session cookie holds."""
    return request.cookies.get(name_cookie("session"), "")


def name_cookie(name: str) -> str:
    """A cookie's name; with https the browser itself holds it to this host: ``__Host-`` of RFC 6265bis."""
    return f"__Host-hob_{name}" if current_app.config["HTTPS"] else f"hob_{name}"


def set_cookie(response: AnyResponse, name: str, value: str, *, seconds: int) -> None:
    """A cookie that no script reads and no other site's form brings along; with 0 seconds it is deleted."""
    response.set_cookie(
        name_cookie(name),
        value,
        max_age=seconds,
        secure=current_app.config["HTTPS"],
        httponly=True,
        samesite="Lax",  # Strict would keep it from the way back from GitHub
        path="/",
    )


class TokenStore(Protocol):
    """The tokens of programs; see ``ApiTokens``."""

    def find(self, secret: str) -> Session | None:
        """Whose token it is."""
        ...

    def store_access(self, secret: str, access: RepositoryAccess) -> None:
        """Store what GitHub just said of the person's repositories."""
        ...

    def end(self, secret: str) -> None:
        """Delete a token."""
        ...

    def take_request(self, secret: str) -> float:
        """Count a request; 0, or after how many seconds it may be made again."""
        ...


def guard(
    app: Flask, sign_in: SignIn | None, sessions: Sessions, tokens: TokenStore, operators: frozenset[int]
) -> None:
    """Put the check before every page of the application."""

    def check() -> AnyResponse | None:
        g.viewer = ON_THIS_MACHINE if sign_in is None else NOBODY
        if request.routing_exception is not None:  # no page of ours, or a host that is not
            return None
        if sign_in is None or (request.endpoint in _OPEN and request.endpoint != "sign_in.ask"):
            return None
        if request.blueprint == "api" and "Authorization" in request.headers:
            return _let_program_in(sign_in, tokens, operators)
        secret = find_session_secret()
        session = sessions.find(secret)
        if session is not None:
            try:
                g.viewer = _make_viewer(session, secret, sign_in, sessions, operators)
            except (TokenRefused, SignInRefused) as refused:
                log.info("dashboard.session_ended", person=session.person, reason=str(refused))
                sessions.end(secret)
                session = None
        if session is None and request.endpoint not in _OPEN:
            return _send_to_sign_in()
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            _check_form(g.viewer)
        return None

    app.before_request(check)


def _let_program_in(sign_in: SignIn, tokens: TokenStore, operators: frozenset[int]) -> AnyResponse | None:
    """Set the viewer to a token's person, who can do nothing by it; else the refusal for the program."""
    kind, _, secret = request.headers["Authorization"].partition(" ")
    secret = secret.strip()
    session = tokens.find(secret) if kind.lower() == "bearer" else None
    if session is None:
        return _tell_program(HTTPStatus.UNAUTHORIZED, "this token is none, was revoked, or has ended")
    if wait := tokens.take_request(secret):
        refused = _tell_program(HTTPStatus.TOO_MANY_REQUESTS, "too many requests with this token")
        refused.headers["Retry-After"] = str(math.ceil(wait))
        return refused
    try:
        viewer = _make_viewer(session, secret, sign_in, tokens, operators)
    except (TokenRefused, SignInRefused) as refused_by_github:
        log.info("dashboard.token_ended", person=session.person, reason=str(refused_by_github))
        tokens.end(secret)
        return _tell_program(HTTPStatus.UNAUTHORIZED, "GitHub has ended the sign-in behind this token")
    g.viewer = replace(viewer, token="", form_token="")
    return None


def _tell_program(status: HTTPStatus, error: str) -> Response:
    response = jsonify(error=error)
    response.status_code = status
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="hob"'
    return response


def _make_viewer(
    session: Session,
    secret: str,
    sign_in: SignIn,
    sessions: Sessions | TokenStore,
    operators: frozenset[int],
) -> Viewer:
    """The session's person, with their roles on GitHub. Raises what ``SignIn.read_access`` raises."""
    access = session.access
    if access is None:
        access = sign_in.read_access(session.token)
        sessions.store_access(secret, access)
    return Viewer(
        person=session.person,
        login=session.login,
        access=access,
        sees_all=session.person in operators,
        token=session.token,
        form_token=make_form_token(secret),
    )


def _send_to_sign_in() -> AnyResponse:
    """Redirect a person to the sign-in; answer a program with 401."""
    if request.blueprint == "api":
        return _tell_program(HTTPStatus.UNAUTHORIZED, "send a token: Authorization: Bearer hob_...")
    if (
        request.method == "GET"
        and request.accept_mimetypes.accept_html
        and "HX-Request" not in request.headers
    ):
        target = request.full_path.rstrip("?")
        return redirect(url_for("sign_in.ask", target=target if is_own_path(target) else None))
    response = Response("sign in first\n", HTTPStatus.UNAUTHORIZED, mimetype="text/plain")
    if "HX-Request" in request.headers:
        response.headers["HX-Refresh"] = "true"  # the page then leads to the sign-in
    return response


def _check_form(viewer: Viewer) -> None:
    """403 unless a form of ours was sent, in this session, from a page of ours."""
    origin = request.headers.get("Origin")
    own = urlsplit(current_app.config["BASE_URL"])
    if origin is not None and origin != f"{own.scheme}://{own.netloc}":
        abort(HTTPStatus.FORBIDDEN)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(HTTPStatus.FORBIDDEN)
    if not viewer.form_token or not hmac.compare_digest(
        request.form.get("token", "").encode(), viewer.form_token.encode()
    ):
        abort(HTTPStatus.FORBIDDEN)


def is_own_path(target: str) -> bool:
    """Whether an address leads to a page of the dashboard in every browser: a plain path, without a host."""
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return False
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in target):
        return False
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc
