"""How the gate connects to hosts of the internet. No repository can change it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache

from sandbox.egress.addresses import Objection, Resolve, find_objection, resolve_checked, resolve_host
from sandbox.egress.company import Proxy, find_objection_to_private

_MOST_ADDRESSES = 4


@cache
def _public_trust() -> ssl.SSLContext:
    """The host's trusted certificate authorities; reading them takes tens of milliseconds."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The resolver, the check of addresses and the trusted authorities; the defaults are for the internet.

    ``private`` are hosts, each with its port, that may have private addresses; ``proxy`` is what every
    connection goes through. These two and the authorities are the operator's, the others for tests; they are
    given where the sandbox is opened and can come from no policy.
    """

    lookup: Resolve = resolve_host
    find_objection: Objection = find_objection
    trust: ssl.SSLContext = field(default_factory=_public_trust)
    private: frozenset[tuple[str, int]] = frozenset()
    proxy: Proxy | None = None

    async def dial(
        self, host: str, port: int, *, tls: bool, seconds: float
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to one of the host's checked addresses, the very ones that were checked.

        Raises PolicyRefusal for a refused address, OSError and TimeoutError when no connection can be made.
        """
        async with asyncio.timeout(seconds):
            if self.proxy is not None:
                return await self._dial_through(self.proxy, host, port, tls=tls)
            objection = self.find_objection
            if (host, port) in self.private:
                objection = find_objection_to_private
            try:
                found = await resolve_checked(host, port, lookup=self.lookup, find_objection=objection)
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

    async def _dial_through(
        self, proxy: Proxy, host: str, port: int, *, tls: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await proxy.dial(host, port)
        if tls:
            try:
                await writer.start_tls(self.trust, server_hostname=host)
            except BaseException:
                writer.close()
                raise
        return reader, writer
