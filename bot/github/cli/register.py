"""``hob register``: a page on loopback that leads a person's browser through GitHub's manifest flow, once.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.errors import UserError
from bot.github.cli.manifest import Credentials, build_manifest, convert_code, render_form
from bot.github_hosts import find_web_url

REGISTRATION_SECONDS = 3600.0  # GitHub allows an hour for all steps


class _Page(HTTPServer):
    """Serves the manifest form, receives GitHub's redirect, and keeps the result or the error."""

    page: str = ""
    exchange: Callable[[str, str], Credentials]
    made: Credentials | None = None
    failed: UserError | None = None
    timeout = 1.0


class _Handler(BaseHTTPRequestHandler):
    server: _Page

    def do_GET(self) -> None:
        """``/`` is the form, ``/done`` is where GitHub sends the browser back to."""
        address = urlsplit(self.path)
        if self.headers.get("Host") != f"127.0.0.1:{self.server.server_port}":
            self._answer(403, "Open the address that hob printed.")
        elif address.path == "/":
            self._answer(200, self.server.page)
        elif address.path == "/done":
            self._finish(parse_qs(address.query))
        else:
            self._answer(404, "There is nothing here.")

    def _finish(self, query: dict[str, list[str]]) -> None:
        try:
            self.server.made = self.server.exchange(query.get("code", [""])[0], query.get("state", [""])[0])
            self._answer(200, "Registered. Go back to the terminal.")
        except UserError as error:
            self.server.failed = error
            self._answer(400, "This did not work; the terminal says why.")

    def _answer(self, status: int, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the query holds the code."""


def _page(port: int) -> _Page:
    try:
        return _Page(("127.0.0.1", port), _Handler)
    except OSError as error:
        raise UserError(f"--port: cannot listen on {port}: {error.strerror}") from None


def run_registration(
    base_url: str,
    *,
    organization: str,
    api_url: str,
    home: Path,
    port: int,
    tell: Callable[[str], None],
    name: str = "",
) -> Credentials:
    """Serve the page until GitHub has sent the browser back. Raises UserError when it does not work out.

    ``name`` is the App's, '' for app.yml's; people mention the slug that GitHub makes of it.
    """
    state = secrets.token_urlsafe(32)
    with _page(port) as server:
        here = f"http://127.0.0.1:{server.server_port}"
        asked = build_manifest(base_url, redirect_url=f"{here}/done", name=name)
        server.page = render_form(
            asked, state=state, web_url=find_web_url(api_url), organization=organization
        )
        server.exchange = lambda code, got: convert_code(
            code, state=got, expected=state, api_url=api_url, home=home
        )
        tell(f"Open {here}/ in your browser and press the button.")
        waited = 0.0
        while server.made is None and server.failed is None and waited < REGISTRATION_SECONDS:
            server.handle_request()
            waited += server.timeout
    if server.failed is not None:
        raise server.failed
    if server.made is None:
        raise UserError("GitHub did not send the browser back within an hour. Start again.")
    tell(f"Registered {server.made.slug}. The settings are in {server.made.env_file}.")
    tell(f"People mention it as @{server.made.slug}.")
    tell(f"Install it on repositories: {server.made.install_url}")
    return server.made
