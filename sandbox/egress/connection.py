"""One connection from inside the sandbox, from its first byte to its end."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import h11

from sandbox.egress.addresses import Refused, canonical
from sandbox.egress.certificate_authority import Authority
from sandbox.egress.client_hello import handshake, server_name
from sandbox.egress.exchange import exchange, reusable
from sandbox.egress.http_messages import Talk, Target, inner, proxied
from sandbox.egress.request_log import Entry, Log
from sandbox.egress.rules import allowed_methods
from sandbox.egress.timed_stream import Wire, splice
from sandbox.egress.upstream import Outside
from sandbox.spec import Egress

_MOST_REQUESTS = 1000  # on one connection
_OTHER_HOST = "TLS for another host (SNI) than the one that was asked for"
_TROUBLE = (OSError, h11.ProtocolError, asyncio.IncompleteReadError, EOFError)


class Visit:
    """Serves one connection. It ends in a record for every request that it made, refused ones too."""

    def __init__(
        self, client: Wire, egress: Egress, outside: Outside, authority: Authority, log: Log
    ) -> None:
        self._client = Talk(client, h11.SERVER)
        self._egress = egress
        self._outside = outside
        self._authority = authority
        self._log = log
        self._entry = Entry(log)
        self._server: Talk | None = None

    async def serve(self) -> None:
        """To its end; raises nothing but cancellation."""
        try:
            async with asyncio.timeout(self._egress.connection_seconds):
                await self._first()
            await self._client.wire.close()
        except TimeoutError:
            self._entry.close("the connection took too long")
        finally:
            if self._entry.method:
                self._entry.close("broken off")
            self._client.wire.abort()
            if self._server is not None:
                self._server.wire.abort()

    async def _first(self) -> None:
        """The request to the proxy, and all that follows from it."""
        try:
            if (request := await self._head()) is None:
                return
            self._entry.host, self._entry.method = _asked(request)
            target = proxied(request)
            self._entry.host, self._entry.port = target.host, target.port
            methods = allowed_methods(self._egress, target.host, target.port)
            if request.method != b"CONNECT":
                if target.port == 443:
                    raise Refused("port 443 without TLS")
                await self._one(request, target, methods, tls=False)
            elif methods:
                await self._inspected(target, methods)
            else:
                await self._tunnel(target)
        except (Refused, TimeoutError, *_TROUBLE) as error:
            await self._failed(error)

    async def _head(self) -> h11.Request | None:
        """The next request, None when there is none in time. Raises Refused for what is no request."""
        try:
            async with asyncio.timeout(self._egress.head_seconds):
                return await self._client.head(self._egress.head_seconds)
        except (TimeoutError, OSError):
            return None
        except h11.ProtocolError:
            raise Refused("a malformed request") from None

    async def _one(self, request: h11.Request, target: Target, methods: frozenset[str], *, tls: bool) -> None:
        """One request whose inside is seen."""
        method = self._entry.method = request.method.decode("ascii", "replace")
        if methods and method not in methods:
            raise Refused(f"the method {method} is not on the list for this host", target.host)
        if self._server is None:
            self._server = await self._dial(target, tls=tls)
        await exchange(self._client, self._server, request, target, self._entry)
        self._entry.close()

    async def _dial(self, target: Target, *, tls: bool) -> Talk:
        seconds = self._egress.connect_seconds
        reader, writer = await self._outside.dial(target.host, target.port, tls=tls, seconds=seconds)
        return Talk(Wire(reader, writer, self._egress.idle_seconds), h11.CLIENT)

    async def _opened(self) -> None:
        """Answer CONNECT. A client that goes on before it has the answer is playing games."""
        await self._client.event()
        if self._client.http.trailing_data[0]:
            raise Refused("bytes before the tunnel was open")
        await self._client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))

    async def _tunnel(self, target: Target) -> None:
        """TLS to the named host and no other, passed on as it is."""
        self._server = await self._dial(target, tls=False)
        await self._opened()
        client, server = self._client.wire, self._server.wire
        greeting = b""
        async with asyncio.timeout(self._egress.head_seconds):
            while (hello := handshake(greeting)) is None:
                if not (more := await client.receive()):
                    raise Refused("no TLS")
                greeting += more
        if not _is(server_name(hello), target):
            raise Refused(_OTHER_HOST)
        self._entry.count(len(greeting), True)
        await server.send(greeting)
        try:
            await splice(client, server, self._egress.idle_seconds, self._entry.count)
        except TimeoutError:
            self._entry.close("nothing moved for too long")
        except OSError:
            pass  # one side hung up without a word, as many do
        self._entry.close()

    async def _inspected(self, target: Target, methods: frozenset[str]) -> None:
        """TLS that ends here, so that the methods can be seen, and begins again to the host."""
        self._server = await self._dial(target, tls=True)
        self._client.wire.pause()  # the greeting is for TLS, not for the stream
        await self._opened()
        await self._greeted(target)
        self._client = Talk(self._client.wire, h11.SERVER)
        for number in range(_MOST_REQUESTS):
            if number:
                self._entry = Entry(self._log, target.host, target.port)
            if (request := await self._head()) is None:
                break
            self._entry.method = request.method.decode("ascii", "replace")
            await self._one(request, inner(request, target), methods, tls=True)
            if not reusable(self._client):
                break
            if self._server is not None and not reusable(self._server):
                self._server.wire.abort()
                self._server = None
        self._entry.method = self._entry.method if number == 0 else ""

    async def _greeted(self, target: Target) -> None:
        """Be the host for the client, if it asks for that host."""
        asked: list[str] = []

        def named(_socket: object, name: str | None, _context: object) -> int | None:
            asked.append(name or "")
            return None if _is(asked[0], target) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

        context = self._authority.context(target.host)
        context.sni_callback = named
        try:
            await asyncio.wait_for(self._client.wire.writer.start_tls(context), self._egress.head_seconds)
        except (OSError, EOFError) as error:
            why = getattr(error, "reason", "") or "it hung up"
            named_other = asked and not _is(asked[0], target)
            raise Refused(_OTHER_HOST if named_other else f"no TLS ({why})") from error

    async def _failed(self, error: Exception) -> None:
        """Say and record why. ``allowed`` stays true where the network and not policy was against it."""
        refused = isinstance(error, Refused)
        status, phrase, reason = _explained(error)
        self._entry.close(reason, allowed=not refused, remedy=getattr(error, "remedy", ""))
        words = "refused by the sandbox's network policy" if refused else "the sandbox's network gate"
        text = f"{words}: {self._entry.host or 'a request'}: {reason}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(text)))]
        answer = h11.Response(status_code=status, reason=phrase, headers=[*headers, ("connection", "close")])
        with suppress(*_TROUBLE, TimeoutError):  # too late when an answer or a tunnel has begun
            await self._client.send(answer)
            await self._client.send(h11.Data(data=text))
            await self._client.send(h11.EndOfMessage())


def _explained(error: Exception) -> tuple[int, bytes, str]:
    """Status, phrase, and the reason as it is recorded."""
    if isinstance(error, Refused):
        return 403, b"Blocked by the network policy", error.reason
    if isinstance(error, TimeoutError):
        return 504, b"Gateway timeout", "the host did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return 502, b"Bad gateway", f"the host's certificate is not trusted ({error.verify_message})"
    return 502, b"Bad gateway", "the host could not be reached, or broke off"


def _asked(request: h11.Request) -> tuple[str, str]:
    """What a request says, before anything is believed of it."""
    target = request.target.decode("latin-1")
    return target.partition("://")[2].partition("/")[0] or target, request.method.decode("ascii", "replace")


def _is(name: str, target: Target) -> bool:
    try:
        return canonical(name) == target.host
    except Refused:
        return False
