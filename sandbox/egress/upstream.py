"""How the gate connects to hosts of the internet. No repository can change what stands here."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache

from sandbox.egress.addresses import Objection, Resolve, find_objection, resolve_checked, resolve_host

_MOST_ADDRESSES = 4


@cache
def _public_trust() -> ssl.SSLContext:
    """The host's trusted certificate authorities; reading them takes tens of milliseconds."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The resolver, the check of addresses and the trusted authorities; the defaults are for the internet.

    Other values are for tests; they are given where the sandbox is opened and can come from no policy.
    """

    lookup: Resolve = resolve_host
    find_objection: Objection = find_objection
    trust: ssl.SSLContext = field(default_factory=_public_trust)

    async def dial(
        self, host: str, port: int, *, tls: bool, seconds: float
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to one of the host's checked addresses, the very ones that were checked.

        Raises PolicyRefusal for a refused address, OSError and TimeoutError when no connection comes about.
        """
        async with asyncio.timeout(seconds):
            try:
                found = await resolve_checked(
                    host, port, lookup=self.lookup, find_objection=self.find_objection
                )
            except UnicodeError as error:
                raise OSError(f"{host} cannot be resolved") from error
            last = OSError(f"{host} has no address")
            for address in found[:_MOST_ADDRESSES]:
                try:
                    return await asyncio.open_connection(
                        str(address),
                        port,
                        ssl=self.trust if tls else None,
                        server_hostname=host if tls else None,
                    )
                except OSError as failed:
                    last = failed
            raise last
