"""One identity's requests to GitHub, REST and GraphQL: every one goes through here.

gidgethub knows the protocol (templates, paging, decoding); this subclass of its aiohttp adapter adds what a
bot that must not lose, double or leak anything needs. The host is pinned, so that no token ever goes
elsewhere. A request has a timeout. Limits are honoured per installation. What may be repeated safely is
repeated on an outage; what may not (a POST that perhaps was applied) raises Outage, and its caller looks
before it repeats. A refusal that a person can mend is a UserError. Answers that are returned are successes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import gidgethub.aiohttp
from gidgethub import sansio
from yarl import URL

from bot import __version__
from bot.backoff import compute_backoff
from bot.errors import HobError, Outage, Parked, UserError
from bot.github.http.clock import ServerClock
from bot.github.http.etags import CachedResponse, ETags
from bot.github.http.pace import Pace
from bot.github.http.responses import (
    Limit,
    Response,
    find_graphql_limit,
    find_limit,
    make_graphql_refusal,
    make_refusal,
    seconds_to_reset,
)

API_VERSION = "2022-11-28"
READS = frozenset({"GET", "HEAD"})
# Every PATCH of this bot sets fields to given values, so doing it twice is doing it once.
REPEATABLE = READS | {"PUT", "PATCH", "DELETE"}
# Requests that notify nobody and show nothing until a commit names it: not content in the sense of GitHub's
# limit on content creation.
UNSEEN = ("/git/blobs", "/git/trees", "/reactions")
REDIRECTS = frozenset({301, 302, 307, 308})
ATTEMPTS = 4
HOPS = 3
SAFE_TO_REPEAT = "hob-safe-to-repeat"  # marks a POST that is idempotent; never sent


class ForeignHost(UserError):
    """A request would have left the API's host, and its token with it."""


class Credential(Protocol):
    """Where the ``authorization`` header comes from."""

    async def header(self) -> str:
        """The header's value, '' for an anonymous request."""

    async def discard(self, header: str) -> None:
        """GitHub answered 401 to this value: the next ``header()`` must be a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What metrics may know of one request: no path and no token. ``status`` 0 means no answer came.

    ``installation`` 0 is the App itself.
    """

    method: str
    resource: str  # core or graphql
    status: int
    seconds: float
    remaining: int | None
    installation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationPart:
    """One field of a mutation, as errors name it.

    ``needs`` is what a refusal asks for, as ``contents=write``: GraphQL's answers do not tell.
    """

    what: str
    needs: str = ""


@dataclass(slots=True)
class _Request:
    """One logical request and what happened to it so far."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes
    repeatable: bool
    write: bool
    creates: bool = False  # content, in GitHub's sense
    points: bool = False  # a redirect is the answer
    cached: CachedResponse | None = None
    failures: int = 0
    limits: int = 0
    hops: int = 0
    renewed: bool = False
    authorization: str = field(default="", repr=False)

    @property
    def what(self) -> str:
        return f"{self.method} {self.url.path}"


class Client(gidgethub.aiohttp.GitHubAPI):
    """GitHub's API as one identity. ``backoff`` is the first pause after an outage, in seconds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        credential: Credential,
        pace: Pace,
        timeout: float = 20.0,
        backoff: float = 0.5,
        observe: Callable[[Exchange], None] | None = None,
        clock: ServerClock | None = None,
        etags: ETags | None = None,
        realm: Hashable = None,
        installation: int = 0,
    ) -> None:
        """``etags`` keeps answers to reads for ``realm``, the scope of the credential; ``clock`` is set by
        every answer; ``installation`` is whose limits apply, 0 for the App's own.
        """
        super().__init__(session, f"hob/{__version__}", base_url=api_url.rstrip("/"))
        self._root = URL(api_url)
        self._credential = credential
        self._pace = pace
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(10.0, timeout))
        self._backoff = backoff
        self._observe = observe
        self._clock = clock or ServerClock()
        self._etags = etags
        self._realm = realm
        self._installation = installation

    @property
    def is_crowded(self) -> bool:
        """Whether so much was created lately that optional writes should be left out."""
        return self._pace.is_crowded()

    @property
    def graphql_url(self) -> str:
        """GitHub's GraphQL endpoint beside the REST root, on a GitHub Enterprise Server too.

        https://docs.github.com/en/enterprise-server@latest/graphql/guides/forming-calls-with-graphql
        """
        return self.base_url.removesuffix("/v3") + "/graphql"

    async def graphql(
        self,
        query: str,
        *,
        endpoint: str = "",
        what: str = "the GraphQL object",
        needs: str = "",
        **variables: Any,
    ) -> Any:
        """Ask GraphQL through the same gate; a query may be repeated, a mutation not.

        ``what`` names the request in errors. ``needs`` is what a refusal asks for, as
        ``contents=write``: GraphQL's answers do not tell which permission is missing.
        gidgethub's own would go past the pace, the renewal of tokens and the pinned host's default.
        https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
        """
        answer = await self._ask_graphql(query, variables, endpoint)
        data = _read_object(answer)
        if data.get("errors") or "data" not in data:
            raise self._make_graphql_error(answer, (data.get("errors") or [{}])[0], what, needs)
        return data["data"]

    async def graphql_partly(self, query: str, *, what: str, needs: str, **variables: Any) -> dict[str, Any]:
        """Ask GraphQL for several things; what it does not have, or does not show, is None in the answer.

        Raises what every request raises, and where nothing at all was answered.
        """
        answer = await self._ask_graphql(query, variables)
        data = _read_object(answer)
        given: dict[str, Any] = data.get("data") or {}
        for error in data.get("errors") or ([] if given else [{}]):
            trouble = self._make_graphql_error(answer, error, what, needs)
            if not given or not isinstance(trouble, UserError):
                raise trouble
        return given

    async def mutate(
        self, mutation: str, parts: Mapping[str, MutationPart], **variables: Any
    ) -> tuple[dict[str, Any], dict[str, UserError]]:
        """Send a mutation of several fields: what came of each, and the refusals of the others, by name.

        GitHub does the fields one after the other, whatever became of those before. A field that it did
        without an answer is in neither. Raises what refuses the request as a whole, so that nothing of it was
        done, and what is to be waited for. It is not repeated.
        https://spec.graphql.org/October2021/#sec-Handling-Field-Errors
        """
        answer = await self._ask_graphql(mutation, variables)
        data = _read_object(answer)
        done: Mapping[str, Any] | None = data.get("data")
        refused: dict[str, UserError] = {}
        for error in data.get("errors") or ([] if done else [{}]):
            name = str((error.get("path") or [""])[0])
            part = parts.get(name, MutationPart(what="the request"))
            trouble = self._make_graphql_error(answer, error, part.what, part.needs)
            if not isinstance(trouble, UserError) or done is None:
                raise trouble
            refused.setdefault(name, trouble)
        found = {name: value for name, value in (done or {}).items() if value and name not in refused}
        return found, refused

    async def _ask_graphql(self, query: str, variables: Mapping[str, Any], endpoint: str = "") -> Response:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"content-type": "application/json; charset=utf-8", "accept": "application/json"}
        mutation = query.lstrip().startswith("mutation")
        url = self._pin(URL(endpoint or self.graphql_url))
        return await self._exchange(_Request("POST", url, headers, body, not mutation, mutation, mutation))

    async def find_location(self, template: str, variables: Mapping[str, str]) -> str:
        """Where GitHub points for a resource that it keeps elsewhere; '' when it points nowhere.

        Nothing is sent to that place. Raises what every request raises.
        """
        url = self._pin(URL(sansio.format_url(template, variables, base_url=self.base_url)))
        answer = await self._exchange(_Request("GET", url, {}, b"", True, False, points=True))
        return answer.headers.get("location", "")

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        sent = dict(headers)
        repeatable = bool(sent.pop(SAFE_TO_REPEAT, "")) or method in REPEATABLE
        write = method not in READS
        creates = method == "POST" and not url.endswith(UNSEEN)
        request = _Request(method, self._pin(URL(url)), sent, body, repeatable, write, creates)
        asked = str(request.url)  # in one spelling: the template's has %3A where this one has a colon
        if self._etags and method == "GET" and (cached := self._etags.find(self._realm, asked)):
            request.cached = cached
            request.headers["if-none-match"] = cached.tag
        answer = await self._exchange(request)
        if self._etags and method == "GET":
            self._etags.store(self._realm, asked, answer)
        return answer.status, answer.headers, answer.body

    def _pin(self, url: URL) -> URL:
        if url.origin() != self._root.origin() or url.user or url.password:
            raise ForeignHost(
                f"Refused to call {url.host}: HOB_GITHUB_URL pins every call to {self._root.host}."
            )
        return url

    async def _exchange(self, request: _Request) -> Response:
        """Send, and retry, until there is a success to return or an error to raise."""
        while True:
            try:
                answer = await self._send(request)
            except (TimeoutError, aiohttp.ClientError) as error:
                never_sent = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
                await self._pause_or_give_up(request, type(error).__name__, request.repeatable or never_sent)
                continue
            if answer.status == 304 and request.cached is not None:
                answer = request.cached.answer
            pointed = request.points and answer.status in REDIRECTS
            if pointed or (200 <= answer.status < 300 and answer.readable):
                self._pace.note_success()
                return answer
            await self._prepare_retry(request, answer)

    async def _send(self, request: _Request) -> Response:
        request.authorization = await self._credential.header()
        headers = {**request.headers, "user-agent": self.requester, "x-github-api-version": API_VERSION}
        if request.authorization:
            headers["authorization"] = request.authorization
        resource = "graphql" if request.url.path.endswith("/graphql") else "core"
        async with self._pace.turn(write=request.write, resource=resource, creates=request.creates):
            began, status, remaining = time.monotonic(), 0, None
            try:
                answer = await self._send_once(request, headers)
                status, remaining = answer.status, _read_remaining(answer)
                self._clock.note(answer.headers.get("date", ""))
            finally:
                if self._observe is not None:
                    seconds = time.monotonic() - began
                    self._observe(
                        Exchange(
                            method=request.method,
                            resource=resource,
                            status=status,
                            seconds=seconds,
                            remaining=remaining,
                            installation=self._installation,
                        )
                    )
            if remaining == 0 and answer.status < 400:
                self._pace.note_limit(Limit(resource, seconds_to_reset(answer) or 0.0))
                await self._pace.share_limit(resource)
        return answer

    async def _send_once(self, request: _Request, headers: Mapping[str, str]) -> Response:
        async with self._session.request(
            request.method,
            request.url,
            headers=headers,
            data=request.body,
            allow_redirects=False,
            timeout=self._timeout,
        ) as response:
            return Response(response.status, response.headers.copy(), await response.read())

    async def _prepare_retry(self, request: _Request, answer: Response) -> None:
        """Prepare the next try after an error, or raise the exception for it."""
        if limit := find_limit(answer):
            self._pace.note_limit(limit)
            await self._pace.share_limit(limit.resource)
            request.limits += 1
            if answer.status >= 500 and not request.repeatable:
                raise Outage(
                    f"GitHub answered {answer.status} to {request.what}; it may have been done", after=5.0
                )
            if request.limits >= ATTEMPTS:
                raise Parked(f"GitHub keeps limiting {request.what}", after=limit.seconds or 60.0)
        elif answer.status in REDIRECTS and request.hops < HOPS:
            request.hops += 1
            request.url = self._pin(request.url.join(URL(answer.headers.get("location", ""))))
        elif answer.status == 401 and not request.renewed:
            request.renewed = True
            await self._credential.discard(request.authorization)
        elif answer.status >= 500 or 200 <= answer.status < 300:
            await self._pause_or_give_up(request, f"HTTP {answer.status}", request.repeatable)
        else:
            raise make_refusal(answer, request.what)

    async def _pause_or_give_up(self, request: _Request, why: str, repeat: bool) -> None:
        request.failures += 1
        if not repeat:
            raise Outage(f"No answer to {request.what} ({why}); it may have been done", after=5.0) from None
        if request.failures >= ATTEMPTS:
            raise Outage(f"GitHub does not answer {request.what} ({why})") from None
        await self.sleep(compute_backoff(request.failures, first=self._backoff, spread=0.25))

    def _make_graphql_error(
        self, answer: Response, error: Mapping[str, Any], what: str, needs: str
    ) -> HobError:
        if limit := find_graphql_limit(answer, error):
            self._pace.note_limit(limit)
            return Parked("GitHub's GraphQL rate limit is reached", after=limit.seconds or 60.0)
        return make_graphql_refusal(answer, error, what, needs)


def _read_object(answer: Response) -> dict[str, Any]:
    data = answer.json()
    return data if isinstance(data, dict) else {}


def _read_remaining(answer: Response) -> int | None:
    text = answer.headers.get("x-ratelimit-remaining", "")
    return int(text) if text.isdigit() else None
