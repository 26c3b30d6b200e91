"""``hob register``: pages on loopback that lead a person's browser through GitHub's manifest flow, once.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.errors import UserError
from bot.github.cli.manifest import Credentials, build_manifest, check_home, convert_code, read_manifest
from bot.github.cli.register_page import find_name_trouble, render_choice, render_end, render_form
from bot.github_hosts import find_web_url

REGISTRATION_SECONDS = 3600.0  # GitHub allows an hour for all steps
BACK = "/done"  # where GitHub sends the browser back to


class _Page(ThreadingHTTPServer):
    """Serves the pages, receives GitHub's redirect, and keeps the result or the error.

    In threads, since browsers also open connections on which they ask nothing.
    """

    name: str
    organization: str
    ask: Callable[[str, str], str]
    exchange: Callable[[str, str], Credentials]
    made: Credentials | None = None
    failed: UserError | None = None
    timeout = 1.0


class _Handler(BaseHTTPRequestHandler):
    server: _Page

    def do_GET(self) -> None:
        """``/`` asks for a name, ``/ask`` has the button, ``/done`` is where GitHub sends the browser."""
        address = urlsplit(self.path)
        query = {key: values[0].strip() for key, values in parse_qs(address.query).items()}
        if self.headers.get("Host") != f"127.0.0.1:{self.server.server_port}":
            self._answer(403, render_end("Another address", "Open the address that hob printed."))
        elif address.path == "/":
            page = render_choice(name=self.server.name, organization=self.server.organization)
            self._answer(200, page)
        elif address.path == "/ask":
            self._ask(query.get("name", ""), query.get("organization", ""))
        elif address.path == BACK:
            self._finish(query)
        else:
            self._answer(404, render_end("Nothing here", "There is nothing at this address."))

    def _ask(self, name: str, organization: str) -> None:
        """The button, or the first page again with what is wrong with the choice."""
        self.server.name, self.server.organization = name, organization
        try:
            self._answer(200, self.server.ask(name, organization))
        except UserError as error:
            self._answer(400, render_choice(name=name, organization=organization, problem=str(error)))

    def _finish(self, query: dict[str, str]) -> None:
        try:
            made = self.server.exchange(query.get("code", ""), query.get("state", ""))
        except UserError as error:
            self._answer(400, render_end("This did not work", str(error)))
            self.server.failed = error
            return
        self._answer(
            200, render_end(f"{made.slug} is registered", "Go back to the terminal.", made.install_url)
        )
        self.server.made = made

    def _answer(self, status: int, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
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
    """Serve the pages until GitHub has sent the browser back. Raises UserError when it fails.

    ``name`` is the App's, '' for app.yml's; people mention the slug that GitHub makes of it. Both can be
    changed on the page as often as GitHub does not take them.
    """
    check_home(home)
    state = secrets.token_urlsafe(32)
    build_manifest(base_url, name=name)  # what is wrong with the arguments is said before a page is opened
    with _page(port) as server:
        here = f"http://127.0.0.1:{server.server_port}"

        def ask(chosen: str, owner: str) -> str:
            manifest = build_manifest(base_url, redirect_url=f"{here}{BACK}", name=chosen)
            if trouble := find_name_trouble(api_url, manifest["name"]):
                raise UserError(trouble)
            return render_form(manifest, state=state, web_url=find_web_url(api_url), organization=owner)

        server.name, server.organization = name or read_manifest()["name"], organization
        server.ask = ask
        server.exchange = lambda code, got: convert_code(
            code, state=got, expected=state, api_url=api_url, base_url=base_url, home=home
        )
        tell(f"Open {here}/ in your browser.")
        waited = 0.0
        while server.made is None and server.failed is None and waited < REGISTRATION_SECONDS:
            server.handle_request()
            waited += server.timeout
    if server.failed is not None:
        raise server.failed
    if server.made is None:
        raise UserError("GitHub did not send the browser back within an hour. Start again.")
    made = server.made
    tell(f"Registered {made.slug}: people mention it as @{made.slug}.")
    tell(f"Install it on repositories: {made.install_url}")
    tell(f"Its settings are in {made.env_file}, its key beside them. Load them with:")
    tell(f"    set -a; . {made.env_file}; set +a")
    tell("and give each process only what it needs (docs/security.md, Separate environments).")
    return made
