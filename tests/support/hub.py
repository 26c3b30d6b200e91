"""A local GitHub for tests: runs in this process on a free port, with small calls for each of its people.

Whatever a test says to it and it answers, every webhook it sends included, is judged by GitHub's own
descriptions (`tests.support.github_spec`); the fixture ends with `SpecViolation` when GitHub would refuse it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import jwt
from aiohttp import web
from aiohttp.typedefs import Middleware

from localhub.auth import read_private_key
from localhub.errors import ApiError
from localhub.graphql.endpoint import schema
from localhub.rest.accounts.apps import new_private_key
from localhub.rest.api import PREFIX
from localhub.server import KEY_FILE, SECRET_FILE, Server, start
from tests.support.github_spec import Ledger, graphql_schema, spec_middleware
from tests.support.seeds import GIT_ENVIRONMENT, PushRefused, Seeds, clone

Json = Any


class Refused(AssertionError):
    """An answer that the test did not expect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the hub."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def data(self) -> Json:
        """The body as JSON, None when it is empty."""
        return json.loads(self.text) if self.text else None


class Client:
    """REST and GraphQL calls as one caller; ``token`` None is nobody."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str, token: str | None) -> None:
        self._session, self._api_url, self.token = session, api_url, token

    async def send(
        self, method: str, path: str, body: Json = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request; the answer whatever its status."""
        own = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        url = path if path.startswith("http") else self._api_url + path
        async with self._session.request(
            method, url, json=body, headers={**own, **(headers or {})}, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            return Answer(status=response.status, headers=response.headers, text=text)

    async def _good(self, method: str, path: str, body: Json = None) -> Json:
        answer = await self.send(method, path, body)
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {answer.text}")
        return answer.data

    async def get(self, path: str) -> Json:
        """GET; Refused unless 2xx."""
        return await self._good("GET", path)

    async def post(self, path: str, body: Json = None) -> Json:
        """POST; Refused unless 2xx."""
        return await self._good("POST", path, body)

    async def patch(self, path: str, body: Json = None) -> Json:
        """PATCH; Refused unless 2xx."""
        return await self._good("PATCH", path, body)

    async def put(self, path: str, body: Json = None) -> Json:
        """PUT; Refused unless 2xx."""
        return await self._good("PUT", path, body)

    async def delete(self, path: str) -> Json:
        """DELETE; Refused unless 2xx."""
        return await self._good("DELETE", path)

    async def graphql(self, query: str, **variables: Json) -> Json:
        """The data of a GraphQL query; Refused when it has errors."""
        answer = await self._good("POST", "/graphql", {"query": query, "variables": variables})
        if "errors" in answer:
            raise Refused(json.dumps(answer["errors"]))
        return answer["data"]


class Hub:
    """A running hub: the values of its JSON line as attributes, and its people as clients."""

    def __init__(self, server: Server, session: aiohttp.ClientSession, scratch: Path, ledger: Ledger) -> None:
        self.server, self.facts, self.ledger = server, server.facts, ledger
        self.hub = server.hub
        self._session, self._scratch = session, scratch
        self.api_url: str = self.facts["api_url"]
        self.web_url: str = self.facts["web_url"]
        self.app_id: int = self.facts["app_id"]
        self.installation_id: int = self.facts["installation_id"]
        self.private_key = Path(self.facts["private_key_file"]).read_text()
        self.webhook_secret: str = self.facts["webhook_secret"]
        self.users: dict[str, dict[str, str]] = self.facts["users"]
        self.as_maintainer = self.client(self.users["maintainer"]["token"])
        self.as_stranger = self.client(self.users["stranger"]["token"])
        self.as_nobody = self.client(None)
        self._seeds = Seeds(self.hub, self.as_maintainer.token)

    def client(self, token: str | None) -> Client:
        """Calls with any token."""
        return Client(self._session, self.api_url, token)

    def app_jwt(self, **claims: Json) -> str:
        """A JWT as the App; ``claims`` replace the usual ones."""
        now = int(self.hub.state.time())
        usual = {"iat": now - 60, "exp": now + 540, "iss": str(self.app_id)}
        return jwt.encode(usual | claims, read_private_key(self.private_key), algorithm="RS256")

    @property
    def as_app(self) -> Client:
        """Calls with the App's JWT."""
        return self.client(self.app_jwt())

    async def as_bot(
        self, *, permissions: Mapping[str, str] | None = None, repository_ids: Sequence[int] | None = None
    ) -> Client:
        """Calls with a fresh installation token."""
        body: dict[str, Json] = {}
        if permissions is not None:
            body["permissions"] = dict(permissions)
        if repository_ids is not None:
            body["repository_ids"] = list(repository_ids)
        path = f"/app/installations/{self.installation_id}/access_tokens"
        return self.client((await self.as_app.post(path, body))["token"])

    async def admin(self, action: str, **body: Json) -> Json:
        """A call of the admin route (see localhub.admin)."""
        headers = {"Authorization": f"Bearer {self.facts['admin_token']}"}
        url = f"{self.web_url}/_admin/{action}"
        answer = await Client(self._session, self.api_url, None).send("POST", url, body, headers=headers)
        if answer.status != 200:
            raise Refused(answer.text)
        return answer.data

    async def fault(self, kind: str, path: str, **more: Json) -> None:
        """Make requests fail whose path matches (see localhub.faults.Fault)."""
        await self.admin("fault", kind=kind, path=path, **more)

    async def idle(self) -> None:
        """Wait until every webhook has been tried."""
        await self.hub.webhooks.idle()

    def git_url(self, name: str, token: str | None = None, owner: str = "maintainer") -> str:
        """Where git finds a repository, as somebody."""
        login = "" if token is None else f"x-access-token:{token}@"
        return self.web_url.replace("://", f"://{login}") + f"/{owner}/{name}.git"

    async def git(self, *arguments: str, cwd: Path | None = None, check: bool = True) -> str:
        """Run git with a fixed identity and no configuration; its output, both streams."""
        env = GIT_ENVIRONMENT | {"HOME": str(self._scratch)}
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, cwd=cwd or self._scratch, env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        if check and process.returncode:
            raise Refused(f"git {' '.join(arguments)}: {out.decode()}")
        return out.decode()

    async def seed_repo(
        self, name: str, files: Mapping[str, str], *, private: bool = False
    ) -> dict[str, Json]:
        """Create a repository of the maintainer with a first commit of these files."""
        repo: dict[str, Json] = await self.as_maintainer.post(
            "/user/repos", {"name": name, "private": private}
        )
        await self.push_files(name, files, "First commit")
        return repo

    def folder(self, name: str) -> Path:
        """Where a test may put a clone of its own."""
        return self._scratch / name

    def worktree(self, name: str) -> Path:
        """A clone in which ``push_files`` works from now on: its branches are those that it has pushed."""
        folder = self._scratch / f"seed-{name}"
        if not folder.exists():
            url = self.git_url(name, self.as_maintainer.token)
            clone(
                self.hub, self._seeds.read(name), folder, url, GIT_ENVIRONMENT | {"HOME": str(self._scratch)}
            )
        return folder

    async def push_files(
        self, name: str, files: Mapping[str, str], message: str = "A change", *, branch: str = "main"
    ) -> str:
        """Commit files on a branch (made from the last one) as the maintainer and push it; the commit's sha.

        By git where there is a ``worktree`` already, whose other changes go along; else in this process, with
        everything that follows from a push. ``tests.hub`` has the pushes that git makes.
        """
        if not (self._scratch / f"seed-{name}").exists():
            try:
                return await self._seeds.push(name, files, message, branch)
            except (ApiError, PushRefused) as error:
                raise Refused(f"push of {branch} to {name}: {error}") from error
        folder = self.worktree(name)
        if branch != (await self.git("symbolic-ref", "--short", "HEAD", cwd=folder)).strip():
            known = await self.git("branch", "--list", branch, cwd=folder)
            await self.git("checkout", "-q", *(() if known.strip() else ("-b",)), branch, cwd=folder)
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        await self.git("add", "-A", cwd=folder)
        await self.git("commit", "-q", "-m", message, cwd=folder)
        await self.git("push", "-q", "origin", branch, cwd=folder)
        return (await self.git("rev-parse", "HEAD", cwd=folder)).strip()


@cache
def app_key() -> str:
    """One key for the App of every hub of a test run: making one costs more than a small test."""
    return new_private_key()


@cache
def webhook_secret() -> str:
    """One webhook secret for every hub of a test run: what a redactor learns of the same secrets is kept."""
    return secrets.token_hex(20)


@asynccontextmanager
async def running_hub(
    tmp_path: Path,
    webhook_url: str | None = None,
    *,
    middlewares: Sequence[Middleware] = (),
    enterprise: bool = False,
    tls: bool = False,
) -> AsyncIterator[Hub]:
    """A hub with its state in ``tmp_path/hub``; entering again with the same path is a restart.

    ``enterprise`` and ``tls`` are those of ``localhub.server.start``.
    """
    # Read before anybody waits for an answer: on a busy machine all would stand still for over a second.
    schema()
    graphql_schema()
    data = tmp_path / "hub"
    if not data.exists():
        data.mkdir(parents=True)
        (data / KEY_FILE).write_text(app_key())
        (data / SECRET_FILE).write_text(webhook_secret())
    ledger = Ledger()
    judging = [*middlewares, spec_middleware(ledger, prefix=PREFIX)]
    server = await start(0, data, webhook_url, judging, enterprise=enterprise, tls=tls)
    trusted = ssl.create_default_context(cafile=server.facts["certificate_file"]) if tls else True
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted)) as session:
            yield Hub(server, session, tmp_path, ledger)
        for row in server.hub.state.all("SELECT event, payload FROM deliveries ORDER BY id"):
            ledger.webhook(row["event"], json.loads(row["payload"]))
    finally:
        await server.stop()
    ledger.raise_if_any()


judged_hub = running_hub  # every hub of a test is judged


@dataclass(slots=True)
class Delivered:
    """A webhook that arrived."""

    event: str
    headers: Mapping[str, str]
    body: bytes
    payload: Json = field(init=False)

    def __post_init__(self) -> None:
        self.payload = json.loads(self.body)

    @property
    def name(self) -> str:
        """``issues.opened``, or just ``push``."""
        action = self.payload.get("action")
        return f"{self.event}.{action}" if action else self.event

    def is_signed(self, secret: str) -> bool:
        """Whether the signature is the secret's."""
        good = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers["X-Hub-Signature-256"], f"sha256={good}")


class Receiver:
    """A listener for webhooks: ``url``, what arrived, and what to answer."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived: list[Delivered] = []
        self.status = 202
        self.delay = 0.0
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024**2)
        app.router.add_post("/webhook", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/webhook"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.delay)
        body = await request.read()
        self.arrived.append(Delivered(request.headers["X-GitHub-Event"], request.headers, body))
        self._changed.set()
        return web.Response(status=self.status)

    def names(self) -> list[str]:
        """The names of all that arrived."""
        return [one.name for one in self.arrived]

    def all(self, name: str) -> list[Delivered]:
        """Those of a name."""
        return [one for one in self.arrived if one.name == name]

    async def wait(self, name: str, count: int = 1, seconds: float = 60.0) -> Delivered:
        """The ``count``th webhook of a name, once it is there."""
        until = time.monotonic() + seconds
        while len(self.all(name)) < count:
            self._changed.clear()
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise Refused(f"no {name} (number {count}) among {self.names()}")
            try:
                await asyncio.wait_for(self._changed.wait(), remaining)
            except TimeoutError:
                continue
        return self.all(name)[count - 1]
