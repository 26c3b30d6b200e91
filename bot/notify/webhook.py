"""Sending a notice to a webhook: signed, without following, and to no address that strangers may not name.

Signed as https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md says. The
operator lists the hosts that a hob.yml may name, and what such a name resolves to is checked as the egress
gate checks it, and nothing else connected to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.errors import HobError
from bot.settings import NotifySettings
from bot.tasks.notices.records import DueNotice
from sandbox.egress.addresses import (
    Objection,
    PolicyRefusal,
    Resolve,
    canonical_host,
    find_objection,
    resolve_checked,
    resolve_host,
)

SECONDS = 15.0
MOST_ANSWER = 2000  # bytes of an answer that are read


class NoticeRefused(HobError):
    """It was not taken. ``for_good``: trying again would not help."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class CheckedResolver(AbstractResolver):
    """Names to addresses, every one of them checked; an answer with one that is refused is refused whole."""

    def __init__(self, lookup: Resolve = resolve_host, objection: Objection = find_objection) -> None:
        self._lookup, self._objection = lookup, objection

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses to connect to. Raises PolicyRefusal and OSError."""
        found = await resolve_checked(host, port, lookup=self._lookup, find_objection=self._objection)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def check_repository_url(url: str, hosts: frozenset[str]) -> str:
    """The address rebuilt from its parts, so that all readers of it agree.

    Raises NoticeRefused unless a hob.yml may have notices sent there: https, port 443, a listed host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = canonical_host(parts.hostname or "")
    except (ValueError, PolicyRefusal) as wrong:
        reason = wrong.reason if isinstance(wrong, PolicyRefusal) else "not an address"
        raise NoticeRefused(f"hob.yml's webhook: {reason}", for_good=True) from None
    if parts.scheme != "https" or port not in (None, 443) or parts.username or parts.password:
        raise NoticeRefused(
            "hob.yml's webhook must be https, on port 443, without a user name", for_good=True
        )
    if host not in hosts:
        raise NoticeRefused(f"hob.yml's webhook: {host} is not in HOB_NOTIFY_HOSTS", for_good=True)
    return urlunsplit(("https", host, parts.path, parts.query, ""))


def sign(secret: bytes, notice: int, at: int, body: bytes) -> str:
    """The header ``webhook-signature``: over the notice's id, the time, and the body."""
    signed = hmac.new(secret, f"{notice}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


async def post_notice(
    notice: DueNotice, settings: NotifySettings, *, resolver: AbstractResolver | None = None
) -> None:
    """Send it. Raises NoticeRefused."""
    is_repositorys = notice.target == "repository webhook"
    address = check_repository_url(notice.address, settings.hosts) if is_repositorys else notice.address
    connector = aiohttp.TCPConnector(
        resolver=(resolver or CheckedResolver()) if is_repositorys else None, use_dns_cache=False
    )
    body = json.dumps(notice.body).encode()
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session,
            session.post(
                address,
                data=body,
                headers=_make_headers(notice.id, body, settings),
                allow_redirects=False,
            ) as answer,
        ):
            said = (await answer.content.read(MOST_ANSWER)).decode("utf-8", "replace")
    except PolicyRefusal as refused:
        raise NoticeRefused(f"its address is refused: {refused.reason}") from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as trouble:
        raise NoticeRefused(f"{type(trouble).__name__} on the way") from None
    if answer.status // 100 == 2:
        return
    # The answer of a host that a hob.yml named is not shown: Hob must not become a way to read from it.
    why = f"HTTP {answer.status}" + ("" if is_repositorys else f": {said[:200]}")
    raise NoticeRefused(why, for_good=answer.status in (400, 401, 403, 404, 410))


def _make_headers(notice: int, body: bytes, settings: NotifySettings) -> Mapping[str, str]:
    headers: dict[str, Any] = {
        "Content-Type": "application/json",
        "webhook-id": str(notice),
        "User-Agent": "hob",
    }
    if settings.secret:
        at = int(time.time())
        headers["webhook-timestamp"] = str(at)
        headers["webhook-signature"] = sign(settings.secret.get_secret_value().encode(), notice, at, body)
    return headers
