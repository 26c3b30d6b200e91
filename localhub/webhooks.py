"""Outgoing webhooks: signed, sent once within 10 seconds, recorded, sent again only when somebody asks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from localhub.state import Row, State

DEADLINE = 10.0
MOST_BYTES = 25 * 1024**2
AGENT = "GitHub-Hookshot/5be1fa2"


@dataclass(slots=True, kw_only=True)
class DeliveryRule:
    """What happens to the next ``count`` deliveries of matching events.

    ``lose``: sent and recorded never; ``fail``: recorded as failed, not sent; ``duplicate``: sent twice.
    """

    kind: str
    event: str = ".*"
    count: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("lose", "fail", "duplicate"):
            raise ValueError(f"unknown kind {self.kind!r}; one of lose, fail, duplicate")


def signature(secret: str, body: bytes, algorithm: str = "sha256") -> str:
    """The value of X-Hub-Signature-256 (or of X-Hub-Signature with sha1)."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


class Webhooks:
    """The sender of an App's webhooks."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(16)
        self._running = False
        self.deadline = DEADLINE
        self.rules: list[DeliveryRule] = []

    def start(self) -> None:
        """Send what a stop or a kill left unsent."""
        self._running = True
        for row in self._state.all("SELECT id FROM deliveries WHERE duration IS NULL ORDER BY id"):
            self._spawn(row["id"])

    async def stop(self) -> None:
        """Stop sending; what is under way is taken up at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def idle(self) -> None:
        """Wait until every delivery has been tried."""
        while self._tasks:  # gather would not let those that are done be discarded
            await asyncio.wait(self._tasks)

    def send(
        self,
        app: Row,
        event: str,
        payload: dict[str, Any],
        *,
        installation_id: int | None,
        repo_id: int | None,
    ) -> None:
        """Record a delivery and send it in the background."""
        rule = next((one for one in self.rules if one.count > 0 and re.fullmatch(one.event, event)), None)
        if rule is not None:
            rule.count -= 1
        if rule is not None and rule.kind == "lose":
            return
        text = json.dumps(payload)
        if len(text) > MOST_BYTES:  # GitHub drops these without a word
            return
        delivery = self._state.insert(
            "deliveries",
            guid=str(uuid.uuid4()),
            app_id=app["id"],
            installation_id=installation_id,
            repo_id=repo_id,
            event=event,
            action=payload.get("action"),
            payload=text,
            delivered_at=self._state.now(),
        )
        if rule is not None and rule.kind == "fail":
            self._finish(delivery, 0.0, "failed to connect to host", 502)
            return
        self._spawn(delivery, times=2 if rule is not None else 1)

    def redeliver(self, row: Row) -> None:
        """Send a delivery's payload again, with the same GUID."""
        copied = ("guid", "app_id", "installation_id", "repo_id", "event", "action", "payload")
        columns = {name: row[name] for name in copied}
        self._spawn(self._state.insert("deliveries", **columns, redelivery=1, delivered_at=self._state.now()))

    def _spawn(self, delivery_id: int, times: int = 1) -> None:
        if not self._running:  # the start will send it
            return
        task = asyncio.get_running_loop().create_task(self._deliver(delivery_id, times))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery_id: int, times: int) -> None:
        row = self._state.one("SELECT * FROM deliveries WHERE id = ?", delivery_id)
        app = self._state.app(row["app_id"])
        if not app["webhook_url"]:
            self._finish(delivery_id, 0.0, "no webhook URL", 0)
            return
        body = row["payload"].encode()
        headers = self._headers(app, row, body)
        self._state.update("deliveries", delivery_id, request_headers_json=json.dumps(headers))
        async with self._slots:
            for _ in range(times):
                await self._post(delivery_id, app["webhook_url"], headers, body)

    async def _post(self, delivery_id: int, url: str, headers: dict[str, str], body: bytes) -> None:
        started = time.monotonic()
        status, code, answered, text = "OK", 0, {}, ""
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        try:
            timeout = aiohttp.ClientTimeout(total=self.deadline)
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                code, answered = response.status, dict(response.headers)
                text = (await response.content.read(65_536)).decode(errors="replace")
            if not 200 <= code < 300:
                status = f"Invalid HTTP Response: {code}"
        except TimeoutError:
            status, code = "timed out", 504
        except (aiohttp.ClientError, OSError, ValueError):
            status, code = "failed to connect to host", 502
        self._finish(delivery_id, time.monotonic() - started, status, code, answered, text)

    def _finish(
        self, delivery_id: int, duration: float, status: str, code: int,
        headers: dict[str, str] | None = None, text: str = ""
    ) -> None:  # fmt: skip
        self._state.update(
            "deliveries", delivery_id, duration=round(duration, 2), status=status, status_code=code,
            response_headers_json=json.dumps(headers or {}), response_body=text,
        )  # fmt: skip

    def _headers(self, app: Row, row: Row, body: bytes) -> dict[str, str]:
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "X-GitHub-Delivery": row["guid"],
            "X-GitHub-Event": row["event"],
            "X-GitHub-Hook-ID": str(hook_id(app)),
            "X-GitHub-Hook-Installation-Target-ID": str(app["id"]),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
        }
        if app["webhook_secret"]:
            headers["X-Hub-Signature"] = signature(app["webhook_secret"], body, "sha1")
            headers["X-Hub-Signature-256"] = signature(app["webhook_secret"], body)
        return headers


def hook_id(app: Row) -> int:
    """The id of an App's only webhook."""
    return int(hashlib.sha256(str(app["id"]).encode()).hexdigest()[:7], 16)
