"""Reading one HTTP request strictly: every shape that two parsers could understand differently is refused.

h11 does the parsing (RFC 9112); what it forgives, for the sake of old servers, is refused here on the raw
bytes: bare line ends, folded lines, two ways to say where a body ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from sandbox.egress.addresses import Refused, canonical
from sandbox.egress.timed_stream import Wire

Headers = Iterable[tuple[bytes, bytes]]
Role = type[h11.CLIENT] | type[h11.SERVER]

MOST_HEAD = 32 * 1024

_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization "
    b"proxy-authentication-info te trailer transfer-encoding upgrade expect host "
    b"content-length http2-settings".split()
)
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)|\x00|\n[ \t]")
_LENGTH = re.compile(rb"^content-length:[ \t]*([^\r]*?)[ \t]*\r", re.IGNORECASE | re.MULTILINE)
_AUTHORITY = re.compile(r"(?P<host>[^:]*)(?::(?P<port>\d{1,5}))?")
_ABSOLUTE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^#]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request wants to go, canonical."""

    host: str
    port: int
    path: str = ""


class Talk:
    """One side's HTTP, server or client: h11's state and the wire it stands on."""

    def __init__(self, wire: Wire, role: Role) -> None:
        self.wire = wire
        self.http = h11.Connection(role, max_incomplete_event_size=MOST_HEAD)

    async def head(self, seconds: float) -> h11.Request | None:
        """The next request's head, None at the end. Raises Refused, h11.RemoteProtocolError, TimeoutError.

        The deadline is for the whole head, however its bytes drop in; the caller sets it (asyncio.timeout).
        """
        raw = bytes(self.http.trailing_data[0])
        while (event := self.http.next_event()) is h11.NEED_DATA:
            data = await self.wire.receive(seconds)
            raw += data
            self.http.receive_data(data)
        if not isinstance(event, h11.Request):
            return None
        _strict(raw[: len(raw) - len(self.http.trailing_data[0])], event)
        return event

    async def event(self) -> object:
        """What comes next of a body or of an answer."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            if self.http.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            self.http.receive_data(await self.wire.receive())
        return event

    async def send(self, event: h11.Event) -> None:
        """Write an event."""
        if data := self.http.send(event):
            await self.wire.send(data)


def _strict(head: bytes, request: h11.Request) -> None:
    names = [name for name, _ in request.headers]
    if _BARE.search(head):
        raise Refused("a malformed request: bare line ends")
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version != b"1.1"):
        raise Refused("a malformed request: two lengths")
    lengths = _LENGTH.findall(head)
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        raise Refused("a malformed request: a length that is no number")
    if any(names.count(name) > 1 for name in (b"transfer-encoding", b"content-length", b"host")):
        raise Refused("a malformed request: a header twice")


def passed_on(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The headers that are for the other end: not those for this connection, nor those it names as such."""
    named = {
        word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")
    }
    return [(name, value) for name, value in headers if name not in _HOP_BY_HOP and name not in named]


def framing(headers: Headers) -> list[tuple[bytes, bytes]]:
    """How the body's end is told, as it was told to us."""
    return [(name, value) for name, value in headers if name in (b"content-length", b"transfer-encoding")]


def proxied(request: h11.Request) -> Target:
    """Where a request to a proxy wants to go: CONNECT's authority, or an ``http`` URL. Raises Refused."""
    text = request.target.decode("latin-1")
    if request.method == b"CONNECT":
        return _authority(text, None)
    found = _ABSOLUTE.fullmatch(text)
    if found is None or found["scheme"].lower() != "http":
        raise Refused("not a request to a proxy")
    target = _authority(found["authority"], 80)
    _same_host(request, target, 80)
    path = found["path"]
    return Target(host=target.host, port=target.port, path=path if path.startswith("/") else f"/{path}")


def inner(request: h11.Request, opened: Target) -> Target:
    """A request inside an opened tunnel; it must be for the tunnel's host. Raises Refused."""
    path = request.target.decode("latin-1")
    if not path.startswith("/") or "#" in path or request.method == b"CONNECT":
        raise Refused("a malformed request target")
    _same_host(request, opened, 443)
    return Target(host=opened.host, port=opened.port, path=path)


def _same_host(request: h11.Request, target: Target, default: int) -> None:
    hosts = [value.decode("latin-1") for name, value in request.headers if name == b"host"]
    if any(_authority(host, default) != target for host in hosts) or not hosts:
        raise Refused("the Host header names another host")


def _authority(text: str, default: int | None) -> Target:
    if "@" in text:
        raise Refused("a user in front of the host's name")
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        raise Refused("an address, not a name" if text.count(":") > 1 else "not a host's name")
    port = int(found["port"]) if found["port"] else default
    if port is None or not 0 < port < 1 << 16:
        raise Refused("no port")
    return Target(host=canonical(found["host"]), port=port)
