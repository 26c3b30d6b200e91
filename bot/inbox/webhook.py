"""The public face: one route that stores signed deliveries, and two that say how it is doing. Metrics are
served apart from it.

Nothing is parsed before the signature fits, nothing is answered 2xx before the delivery is committed, and
nothing waits: a database that does not answer in time is a 503, which GitHub keeps for redelivery.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import structlog
from aiohttp import web

from bot.inbox.metrics import Metrics
from bot.inbox.payload import find_subject_url, is_by_app
from bot.inbox.signature import is_signed, json_object
from bot.tasks.database.transactions import first_line
from bot.tasks.deliveries.arrivals import ArrivedDelivery
from bot.tasks.deliveries.writer import DeliveryWriter, StoringTooSlow
from bot.tasks.store import Store
from bot.trace import note_arrival

log = structlog.get_logger(__name__)

LIMIT = 25 * 1024 * 1024  # GitHub does not send larger payloads
TOGETHER = 10 * LIMIT  # of bodies in memory at once, signed or not
_BYTES_A_SECOND = 8_000_000  # more time for large bodies: at most 8 s of GitHub's 10
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_EVENT = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_KEPT = ("x-github-", "user-agent", "content-type")


class WebhookRefusal(Exception):
    """An answer other than 2xx: its status, the metric's name for it, the message of its body."""

    def __init__(self, status: int, result: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.result = result
        self.message = message


def create_app(
    store: Store,
    *,
    secrets: Sequence[str],
    known: frozenset[str],
    actions: frozenset[tuple[str, str]] | None = None,
    metrics: Metrics | None = None,
    limit: int = LIMIT,
    read_seconds: float = 10.0,
    store_seconds: float = 4.0,
) -> web.Application:
    """The web process's app: POST /webhook, GET /healthz, /readyz. Serve it with ``make_runner``.

    ``secrets``: the webhook secret, two while it is being changed; ``known``: the events that are stored,
    and ``actions`` the actions of them (None: every one); all others are answered and counted only.
    ``read_seconds`` for a whole body, ``store_seconds`` for the database.
    Raises ValueError when a secret is empty or none is given.
    """
    if not secrets or not all(secrets):
        raise ValueError("HOB_WEBHOOK_SECRET is missing or empty: without it no delivery can be trusted")
    inbox = _WebhookHandler(
        store, tuple(secrets), known, actions, metrics or Metrics(), limit, read_seconds, store_seconds
    )
    app = web.Application()
    app.router.add_post("/webhook", inbox.webhook)
    app.router.add_get("/healthz", inbox.healthz)
    app.router.add_get("/readyz", inbox.readyz)
    app[_HANDLER] = inbox
    app.on_cleanup.append(inbox.close)
    return app


def create_metrics_app(app: web.Application) -> web.Application:
    """GET /metrics of what ``create_app`` made, for an address that strangers do not reach."""
    metrics = web.Application()
    metrics.router.add_get("/metrics", app[_HANDLER].metrics_page)
    return metrics


def make_runner(app: web.Application) -> web.AppRunner:
    """How to serve the app: idle connections do not stay, bodies are not unpacked, no second access log."""
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=75,
        lingering_time=1.0,
        shutdown_timeout=5.0,
    )


class _WebhookHandler:
    def __init__(
        self,
        store: Store,
        secrets: tuple[str, ...],
        known: frozenset[str],
        actions: frozenset[tuple[str, str]] | None,
        metrics: Metrics,
        limit: int,
        read_seconds: float,
        store_seconds: float,
    ) -> None:
        self._store = store
        self._writer = DeliveryWriter(store)
        self._secrets = secrets
        self._known = known
        self._actions = actions
        self._metrics = metrics
        self._limit = limit
        self._read_seconds = read_seconds
        self._store_seconds = store_seconds
        self._in_memory = 0

    async def webhook(self, request: web.Request) -> web.Response:
        """Take one delivery."""
        started = time.perf_counter()
        event = request.headers.get("X-GitHub-Event", "")
        guid = request.headers.get("X-GitHub-Delivery", "")
        named = event if event in self._known else "other"
        try:
            result = await self._receive(request, guid, event)
            answer = web.json_response({"delivery": guid, "status": result}, status=202)
        except WebhookRefusal as refused:
            result = refused.result
            answer = web.json_response({"error": refused.message}, status=refused.status)
            if refused.status in (408, 413, 503):
                answer.force_close()
            # The name of the variable goes to the operator's log, not to strangers.
            hint = (
                {"mend": "HOB_WEBHOOK_SECRET must be the App's webhook secret"}
                if refused.status == 401
                else {}
            )
            log.warning(
                "delivery.refused", result=result, delivery=guid[:64], github_event=event[:64], **hint
            )
        self._metrics.deliveries.labels(named, result).inc()
        self._metrics.ack.observe(time.perf_counter() - started)
        return answer

    async def _receive(self, request: web.Request, guid: str, event: str) -> str:
        held = [0]
        try:
            body = await self._read(request, held)
            return await self._check_and_store(request, guid, event, body)
        finally:
            self._in_memory -= held[0]

    async def _check_and_store(self, request: web.Request, guid: str, event: str, body: bytes) -> str:
        signatures = request.headers.getall("X-Hub-Signature-256", [])
        if len(signatures) != 1 or not is_signed(body, signatures[0], self._secrets):
            raise WebhookRefusal(
                401,
                "unsigned",
                "the signature is missing or wrong",
            )
        if not _GUID.fullmatch(guid) or not _EVENT.fullmatch(event):
            raise WebhookRefusal(
                400, "malformed", "the headers X-GitHub-Delivery and X-GitHub-Event are needed"
            )
        try:
            payload = json_object(body)
        except ValueError as trouble:
            message = f"the body is not a JSON object ({trouble}): is the content type application/json?"
            raise WebhookRefusal(400, "malformed", message) from None
        action = _action(payload)
        if event not in self._known or (self._actions is not None and (event, action) not in self._actions):
            return "ignored"
        if is_by_app(event, payload, _read_app_id(request.headers)):
            return "ignored"
        began = time.time_ns()
        result = await self._store_in_time(request, guid, event, body, payload)
        if result != "new":
            return result
        note_arrival(guid, began, event=event, bytes=len(body))  # a repeated one has its trace already
        return "stored"

    async def _read(self, request: web.Request, held: list[int]) -> bytes:
        """The body as it came, counting what is held so that the caller can give it back."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise WebhookRefusal(415, "malformed", "GitHub does not compress what it sends")
        if (request.content_length or 0) > self._limit:
            self._too_large()
        body = bytearray()
        try:
            if request.content.is_eof():  # most bodies are small, and came with their headers
                whole = request.content.read_nowait()
                self._hold(held, len(whole))
                return whole
            async with asyncio.timeout(self._read_seconds):
                async for chunk in request.content.iter_any():
                    self._hold(held, len(chunk))
                    body += chunk
        except TimeoutError:
            raise WebhookRefusal(
                408, "too_slow", f"the body did not arrive within {self._read_seconds:.0f} s"
            ) from None
        except (ConnectionError, web.RequestPayloadError):
            raise WebhookRefusal(400, "malformed", "the body ended early") from None
        return bytes(body)

    def _hold(self, held: list[int], more: int) -> None:
        """Count what is in memory of one body, and of all."""
        held[0] += more
        self._in_memory += more
        if held[0] > self._limit:
            self._too_large()
        if self._in_memory > TOGETHER:
            raise WebhookRefusal(503, "unavailable", "too much at once, send it again later")

    def _too_large(self) -> NoReturn:
        raise WebhookRefusal(413, "too_large", f"the body is larger than {self._limit} bytes")

    async def _store_in_time(
        self, request: web.Request, guid: str, event: str, body: bytes, payload: dict[str, Any]
    ) -> str:
        """Store the delivery, or refuse in time. A late write goes on a little: it may only be slow."""
        headers = {}
        for name, value in request.headers.items():
            known = name.lower()
            if known.startswith(_KEPT):
                headers[known] = value
        arrived = ArrivedDelivery(
            guid=guid,
            event=event,
            body=body,
            headers=headers,
            action=_action(payload),
            installation=_installation(payload),
            about=find_subject_url(event, payload),
        )
        try:
            return await self._writer.add(arrived, within=self._store_seconds + len(body) / _BYTES_A_SECOND)
        except StoringTooSlow:
            message = "the database does not answer, send it again later"
        except Exception:  # the webhook's boundary: GitHub then keeps the delivery; the log says why
            message = "the database cannot be reached, send it again later"
        raise WebhookRefusal(503, "unavailable", message)

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process is alive; nothing about the database, whose outage should restart nothing here."""
        return web.json_response({"status": "ok"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether deliveries can be stored, and how long the oldest has waited for a worker."""
        try:
            async with asyncio.timeout(2):
                oldest = await self._store.get_oldest_new_delivery_age()
        except Exception as trouble:  # whatever it is, we are not ready
            log.warning("ready.not_ready", error=first_line(trouble))
            return web.json_response({"database": "away"}, status=503)
        return web.json_response({"database": "ok", "oldest_delivery_seconds": oldest})

    async def metrics_page(self, _request: web.Request) -> web.Response:
        """Prometheus's text format."""
        try:
            async with asyncio.timeout(2):
                self._metrics.observe(
                    await self._store.count_tasks_by_state(),
                    await self._store.get_oldest_new_delivery_age(),
                    await self._store.count_failed_deliveries(),
                    await self._store.list_queue_ages(),
                    await self._store.count_refusals(),
                )
        except Exception as trouble:  # the counters of this process are worth having all the same
            log.warning("metrics.no_database", error=first_line(trouble))
            self._metrics.observe(None, None)
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def close(self, _app: web.Application) -> None:
        """Let writes that are under way end."""
        await self._writer.close()


_HANDLER = web.AppKey("handler", _WebhookHandler)


def _action(payload: dict[str, Any]) -> str:
    action = payload.get("action")
    return action[:64] if isinstance(action, str) else ""


def _read_app_id(headers: Mapping[str, str]) -> int:
    """The App whose webhook this is, by GitHub's headers; 0 where they do not tell.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
    """
    if headers.get("X-GitHub-Hook-Installation-Target-Type") != "integration":
        return 0
    number = headers.get("X-GitHub-Hook-Installation-Target-ID", "")
    return int(number) if re.fullmatch(r"[0-9]{1,18}", number, re.ASCII) else 0


def _installation(payload: dict[str, Any]) -> int:
    installation = payload.get("installation")
    number = installation.get("id") if isinstance(installation, dict) else None
    return number if type(number) is int and 0 < number < 2**63 else 0
