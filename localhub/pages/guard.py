"""What stands before every page: the Host header, a session, a token in every form, a strict content policy.

The pages have no sign-in: who can reach the port may act as any of the people. So a page elsewhere must not
be able to reach it through the visitor's browser: a name that was rebound to this address fails by its Host
header, a form posted from elsewhere by the SameSite session cookie, the Origin header and its missing token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from aiohttp import web

from localhub.state import State

SESSION = "hub_session"
KEPT = web.RequestKey("session", str)
POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "object-src 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class PageGuard:
    """Checks requests for pages; the key of the tokens lies in the state, so forms survive a restart."""

    def __init__(self, state: State, web_url: str) -> None:
        self._host = urlsplit(web_url).netloc
        key = state.setting("page_key")
        if key is None:
            key = secrets.token_hex(32)
            state.set_setting("page_key", key)
        self._key = bytes.fromhex(key)

    def check_host(self, request: web.Request) -> None:
        """421 unless the request names this machine by its configured name, localhost or an address."""
        host = urlsplit(f"//{request.host}").hostname or ""
        if request.host != self._host and host != "localhost" and not _is_address(host):
            raise web.HTTPMisdirectedRequest(text=f"This server does not answer for {request.host!r}.")

    def session(self, request: web.Request) -> str:
        """The visitor's session, a new one when there is none."""
        if KEPT not in request:
            known = request.cookies.get(SESSION, "")
            request[KEPT] = known if len(known) == 43 else secrets.token_urlsafe(32)
        return request[KEPT]

    def token(self, session: str) -> str:
        """The token which the forms of a session carry."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check_form(self, request: web.Request, token: str) -> None:
        """403 unless the form came from one of our own pages in this session."""
        origin = request.headers.get("Origin")
        from_here = origin is None or urlsplit(origin).netloc == request.host
        if not from_here or not hmac.compare_digest(token, self.token(self.session(request))):
            raise web.HTTPForbidden(text="This form is from another site or too old: reload its page.")

    def add_headers(self, response: web.StreamResponse, session: str | None = None) -> None:
        """Put the headers on an answer, and the session's cookie."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if session is not None:
            response.set_cookie(SESSION, session, httponly=True, samesite="Strict", path="/")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
