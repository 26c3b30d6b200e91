"""The operator's own network beside the internet: named private hosts, a proxy, a certificate authority.

Only the operator's settings make one of these; no policy of a repository can.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sandbox.egress.addresses import Address, PolicyRefusal, canonical_host, find_objection, is_local

_PRIVATE = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy that every connection goes through, by CONNECT (RFC 9110, 9.3.6). It resolves the names,
    so which addresses it reaches is its own to decide.
    """

    host: str
    port: int
    authorization: str = ""

    async def dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A tunnel to a host. Raises OSError with what the proxy said."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
            if self.authorization:
                lines.append(f"Proxy-Authorization: {self.authorization}")
            writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            status = _STATUS.match(head)
            if status is None or not status[1].startswith(b"2"):
                said = status[1].decode("ascii") if status else "nothing that is HTTP"
                raise OSError(f"the operator's proxy answered {said} for {host}:{port}")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as broken:
            writer.close()
            raise OSError("the operator's proxy gave no answer to CONNECT") from broken
        except BaseException:
            writer.close()
            raise
        return reader, writer


def parse_proxy(url: str) -> Proxy:
    """The proxy of ``http://[user:password@]host:port``. Raises ValueError that says what is wrong."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "http" or not parts.hostname or not port or parts.path not in ("", "/"):
        raise ValueError(
            "must be http://HOST:PORT, with USER:PASSWORD@ before the host where it asks for one"
        )
    if parts.query or parts.fragment:
        raise ValueError("must be http://HOST:PORT without a path")
    authorization = ""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return Proxy(host=parts.hostname, port=port, authorization=authorization)


def parse_private_hosts(text: str) -> frozenset[tuple[str, int]]:
    """``pypi.corp.example, npm.corp.example:8443``: each host with its port, 443 where none is named.

    Raises ValueError that names the invalid one.
    """
    found = set()
    for part in (part.strip() for part in text.split(",")):
        host, colon, port = part.partition(":")
        try:
            name = canonical_host(host)
        except PolicyRefusal as refused:
            raise ValueError(f"{part!r}: {refused.reason}") from None
        if colon and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"{part!r}: {port!r} is no port")
        found.add((name, int(port) if colon else 443))
    return frozenset(found)


def find_objection_to_private(address: Address, port: int) -> str:
    """Why even a host that the operator named must not have this address, '' where it may. Private addresses
    are allowed; this machine itself and the clouds' link-local metadata addresses are not.
    """
    if any(address.version == network.version and address in network for network in _PRIVATE):
        return "an address of this machine" if is_local(address) else ""
    return find_objection(address, port)


def make_trust(authority: Path | None) -> ssl.SSLContext:
    """The host's trusted authorities, and those of a PEM file. Raises OSError for another file."""
    context = ssl.create_default_context()
    if authority is not None:
        context.load_verify_locations(authority)
    return context
