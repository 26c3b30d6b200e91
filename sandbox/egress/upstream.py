"""How the gate reaches the world beyond the host. What a repository says never gets here."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache

from sandbox.egress.addresses import Objection, Resolve, checked, objection, resolve

_MOST_ADDRESSES = 4


@cache
def _public_trust() -> ssl.SSLContext:
    """The host's authorities; reading them takes tens of milliseconds."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The resolver, what is against an address, and whom TLS trusts; the defaults are the internet's.

    Other values are for tests and for operators who know what they do, given where the sandbox is opened.
    """

    lookup: Resolve = resolve
    against: Objection = objection
    trust: ssl.SSLContext = field(default_factory=_public_trust)

    async def dial(
        self, host: str, port: int, *, tls: bool, seconds: float
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to one of the host's checked addresses, the very ones that were checked.

        Raises Refused for what policy is against, OSError and TimeoutError for what does not work.
        """
        async with asyncio.timeout(seconds):
            try:
                found = await checked(host, port, lookup=self.lookup, against=self.against)
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
