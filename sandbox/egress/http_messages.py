"""Strict reading of one HTTP request: what two parsers could understand differently is refused.

h11 does the parsing (RFC 9112); what it forgives, for the sake of old servers, is refused here on the raw
bytes: bare line ends, folded lines, two ways to say where a body ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from sandbox.egress.addresses import PolicyRefusal, canonical_host
from sandbox.egress.timed_stream import TimedStream

Headers = Iterable[tuple[bytes, bytes]]
Role = type[h11.CLIENT] | type[h11.SERVER]

MOST_HEAD = 32 * 1024

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization "
    b"proxy-authentication-info te trailer transfer-encoding upgrade expect host "
    b"content-length http2-settings".split()
)
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\x00|\n[ \t]")
_LENGTH = re.compile(rb"^content-length:([^\r]*)\r", re.IGNORECASE | re.MULTILINE)
_AUTHORITY = re.compile(r"(?P<host>[^:]*)(?::(?P<port>\d{1,5}))?")
_ABSOLUTE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^#]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The host, port and path that a request asks for; the host in its canonical form."""

    host: str
    port: int
    path: str = ""


class HttpPeer:
    """HTTP with one side, the client or the server: h11's state and the stream below it."""

    def __init__(self, stream: TimedStream, role: Role) -> None:
        self.stream = stream
        self.http = h11.Connection(role, max_incomplete_event_size=MOST_HEAD)

    async def read_head(self, seconds: float) -> h11.Request | None:
        """The next request's head, None at the end of the stream.

        ``seconds`` is for each wait; a deadline for the whole head is the caller's (asyncio.timeout). Raises
        PolicyRefusal, h11.RemoteProtocolError, TimeoutError.
        """
        raw = bytes(self.http.trailing_data[0])
        while (event := self.http.next_event()) is h11.NEED_DATA:
            data = await self.stream.receive(seconds)
            raw += data
            self.http.receive_data(data)
        if not isinstance(event, h11.Request):
            return None
        _check_head(raw[: len(raw) - len(self.http.trailing_data[0])], event)
        return event

    async def read_event(self) -> object:
        """h11's next event of a body or of an answer."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            self.http.receive_data(await self.stream.receive())
        return event

    async def send(self, event: h11.Event) -> None:
        """Write an event."""
        if data := self.http.send(event):
            await self.stream.send(data)


def _check_head(head: bytes, request: h11.Request) -> None:
    names = [name for name, _ in request.headers]
    if _BARE.search(head):
        raise PolicyRefusal("a malformed request: bare line ends")
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version != b"1.1"):
        raise PolicyRefusal("a malformed request: two lengths")
    lengths = [value.strip(b" \t") for value in _LENGTH.findall(head)]
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        raise PolicyRefusal("a malformed request: a length that is no number")
    if any(names.count(name) > 1 for name in (b"transfer-encoding", b"content-length", b"host")):
        raise PolicyRefusal("a malformed request: a header twice")


def filter_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers to forward: without hop-by-hop ones and those that ``Connection`` names."""
    connection_headers = {
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    }
    return [
        (name, value) for name, value in headers if name not in _HOP_BY_HOP and name not in connection_headers
    ]


def framing_headers(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that say where the body ends, as they came."""
    return [(name, value) for name, value in headers if name in (b"content-length", b"transfer-encoding")]


def read_proxy_target(request: h11.Request) -> Target:
    """The target of a request to a proxy: CONNECT's authority, or an ``http`` URL. Raises PolicyRefusal."""
    text = request.target.decode("latin-1")
    if request.method == b"CONNECT":
        return _read_authority(text, None)
    found = _ABSOLUTE.fullmatch(text)
    if found is None or found["scheme"].lower() != "http":
        raise PolicyRefusal("not a request to a proxy")
    target = _read_authority(found["authority"], 80)
    _check_host_header(request, target, 80)
    path = found["path"]
    return Target(host=target.host, port=target.port, path=path if path.startswith("/") else f"/{path}")


def read_tunnel_target(request: h11.Request, tunnel: Target) -> Target:
    """The target of a request inside a tunnel whose TLS ends here. Raises PolicyRefusal for another host."""
    path = request.target.decode("latin-1")
    if not path.startswith("/") or "#" in path or request.method == b"CONNECT":
        raise PolicyRefusal("a malformed request target")
    _check_host_header(request, tunnel, 443)
    return Target(host=tunnel.host, port=tunnel.port, path=path)


def _check_host_header(request: h11.Request, target: Target, default: int) -> None:
    hosts = [value.decode("latin-1") for name, value in request.headers if name == b"host"]
    if any(_read_authority(host, default) != target for host in hosts) or not hosts:
        raise PolicyRefusal("the Host header names another host")


def _read_authority(text: str, default: int | None) -> Target:
    if "@" in text:
        raise PolicyRefusal("a user in front of the host's name")
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise PolicyRefusal("an address, not a name" if text.count(":") > 1 else "not a host's name")
    port = int(found["port"]) if found["port"] else default
    if port is None or not 0 < port < 1 << 16:
        raise PolicyRefusal("no port")
    return Target(host=canonical_host(found["host"]), port=port)
