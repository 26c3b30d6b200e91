"""One connection of a program inside to the gate, from its first byte to its end."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import h11

from sandbox.egress.addresses import PolicyRefusal, canonical_host
from sandbox.egress.certificate_authority import CertificateAuthority
from sandbox.egress.client_hello import read_client_hello, read_server_name
from sandbox.egress.exchange import forward_exchange, start_next_cycle
from sandbox.egress.http_messages import HttpPeer, Target, read_proxy_target, read_tunnel_target
from sandbox.egress.reading import READING, limit_to_reading
from sandbox.egress.request_log import OpenRecord, RequestLog
from sandbox.egress.rules import allowed_methods
from sandbox.egress.timed_stream import TimedStream, relay
from sandbox.egress.upstream import Upstream
from sandbox.spec import Egress

_MOST_REQUESTS = 1000  # on one connection
_OTHER_HOST = "TLS for another host (SNI) than the one that was asked for"
_STREAM_ERRORS = (OSError, h11.ProtocolError, asyncio.IncompleteReadError, EOFError)


class ProxyConnection:
    """Serves one connection and records every request made on it, refused ones too."""

    def __init__(
        self,
        client: TimedStream,
        egress: Egress,
        upstream: Upstream,
        authority: CertificateAuthority,
        log: RequestLog,
    ) -> None:
        self._client = HttpPeer(client, h11.SERVER)
        self._egress = egress
        self._upstream = upstream
        self._authority = authority
        self._log = log
        self._entry = OpenRecord(log)
        self._server: HttpPeer | None = None

    async def serve(self) -> None:
        """Serve the connection to its end; raises nothing but cancellation."""
        try:
            async with asyncio.timeout(self._egress.connection_seconds):
                await self._serve_first_request()
            await self._client.stream.close()
        except TimeoutError:
            self._entry.close("the connection took too long")
        finally:
            if self._entry.method:
                self._entry.close("broken off")
            self._client.stream.abort()
            if self._server is not None:
                self._server.stream.abort()

    async def _serve_first_request(self) -> None:
        """Read the request to the proxy, check it, and serve it, its tunnel or its TLS."""
        try:
            if (request := await self._read_head()) is None:
                return
            self._entry.host, self._entry.method = _describe_request(request)
            target = read_proxy_target(request)
            self._entry.host, self._entry.port = target.host, target.port
            self._log.require_open()
            methods = allowed_methods(self._egress, target.host, target.port)
            if request.method != b"CONNECT":
                if target.port == 443:
                    raise PolicyRefusal("port 443 without TLS")
                await self._forward(request, target, methods, tls=False)
            elif methods:
                await self._serve_inside_tls(target, methods)
            else:
                await self._relay_tunnel(target)
        except (PolicyRefusal, TimeoutError, *_STREAM_ERRORS) as error:
            await self._answer_failure(error)

    async def _read_head(self) -> h11.Request | None:
        """The next request's head, None when none comes in time. Raises PolicyRefusal for a malformed one."""
        try:
            async with asyncio.timeout(self._egress.head_seconds):
                return await self._client.read_head(self._egress.head_seconds)
        except (TimeoutError, OSError):
            return None
        except h11.ProtocolError:
            raise PolicyRefusal("a malformed request") from None

    async def _forward(
        self, request: h11.Request, target: Target, methods: frozenset[str], *, tls: bool
    ) -> None:
        """Check one request's method and forward it; ``tls``: the host is spoken to with TLS."""
        method = self._entry.method = request.method.decode("ascii", "replace")
        if methods and method not in methods:
            raise PolicyRefusal(f"the method {method} is not on the list for this host", target.host)
        if methods and methods <= READING:
            request = limit_to_reading(request, target)
        if self._server is None:
            self._server = await self._dial(target, tls=tls)
        await forward_exchange(self._client, self._server, request, target, self._entry)
        self._entry.close()

    async def _dial(self, target: Target, *, tls: bool) -> HttpPeer:
        seconds = self._egress.connect_seconds
        reader, writer = await self._upstream.dial(target.host, target.port, tls=tls, seconds=seconds)
        return HttpPeer(TimedStream(reader, writer, self._egress.idle_seconds), h11.CLIENT)

    async def _accept_connect(self) -> None:
        """Answer CONNECT with 200. Raises PolicyRefusal for a client that sends before it has the answer."""
        await self._client.read_event()
        if self._client.http.trailing_data[0]:
            raise PolicyRefusal("bytes before the tunnel was open")
        await self._client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))

    async def _relay_tunnel(self, target: Target) -> None:
        """Relay TLS as it is, once its ClientHello names the host of the tunnel."""
        self._server = await self._dial(target, tls=False)
        await self._accept_connect()
        client, server = self._client.stream, self._server.stream
        greeting = b""
        async with asyncio.timeout(self._egress.head_seconds):
            while (hello := read_client_hello(greeting)) is None:
                if not (more := await client.receive()):
                    raise PolicyRefusal("no TLS")
                greeting += more
        if not _is_same_host(read_server_name(hello), target):
            raise PolicyRefusal(_OTHER_HOST)
        self._entry.count(len(greeting), True)
        await server.send(greeting)
        try:
            await relay(client, server, self._egress.idle_seconds, self._entry.count)
        except TimeoutError:
            self._entry.close("nothing moved for too long")
        except OSError:
            pass  # one side hung up without a word, as many do
        self._entry.close()

    async def _serve_inside_tls(self, target: Target, methods: frozenset[str]) -> None:
        """End the client's TLS here, so that methods are seen, and forward requests over TLS of our own."""
        self._server = await self._dial(target, tls=True)
        self._client.stream.pause()  # the greeting is for TLS, not for the stream
        await self._accept_connect()
        await self._start_tls(target)
        self._client = HttpPeer(self._client.stream, h11.SERVER)
        for number in range(_MOST_REQUESTS):
            if number:
                self._entry = OpenRecord(self._log, target.host, target.port)
            if (request := await self._read_head()) is None:
                break
            self._entry.method = request.method.decode("ascii", "replace")
            await self._forward(request, read_tunnel_target(request, target), methods, tls=True)
            if not start_next_cycle(self._client):
                break
            if self._server is not None and not start_next_cycle(self._server):
                self._server.stream.abort()
                self._server = None
        self._entry.method = self._entry.method if number == 0 else ""

    async def _start_tls(self, target: Target) -> None:
        """TLS with the client under a certificate for ``target``. Raises PolicyRefusal for another name."""
        names: list[str] = []

        def check_name(_socket: object, name: str | None, _context: object) -> int | None:
            names.append(name or "")
            return None if _is_same_host(names[0], target) else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

        context = self._authority.context(target.host)
        context.sni_callback = check_name
        try:
            async with asyncio.timeout(self._egress.head_seconds):
                await self._client.stream.writer.start_tls(context)
        except (OSError, EOFError) as error:
            detail = getattr(error, "reason", "") or "it hung up"
            named_other = names and not _is_same_host(names[0], target)
            raise PolicyRefusal(_OTHER_HOST if named_other else f"no TLS ({detail})") from error

    async def _answer_failure(self, error: Exception) -> None:
        """Record why a request failed and answer it; ``allowed`` is false only where policy refused it."""
        is_refusal = isinstance(error, PolicyRefusal)
        status, phrase, reason = _describe_failure(error)
        self._entry.close(reason, allowed=not is_refusal, remedy=getattr(error, "remedy", ""))
        who = "refused by the sandbox's network policy" if is_refusal else "the sandbox's network gate"
        text = f"{who}: {self._entry.host or 'a request'}: {reason}\n".encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(text)))]
        answer = h11.Response(status_code=status, reason=phrase, headers=[*headers, ("connection", "close")])
        with suppress(*_STREAM_ERRORS, TimeoutError):  # too late when an answer or a tunnel has begun
            await self._client.send(answer)
            await self._client.send(h11.Data(data=text))
            await self._client.send(h11.EndOfMessage())


def _describe_failure(error: Exception) -> tuple[int, bytes, str]:
    """(status, phrase, reason for the record) of a failure."""
    if isinstance(error, PolicyRefusal):
        return 403, b"Blocked by the network policy", error.reason
    if isinstance(error, TimeoutError):
        return 504, b"Gateway timeout", "the host did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return 502, b"Bad gateway", f"the host's certificate is not trusted ({error.verify_message})"
    return 502, b"Bad gateway", "the host could not be reached, or broke off"


def _describe_request(request: h11.Request) -> tuple[str, str]:
    """(host, method) as a request gives them, unchecked, for its record."""
    target = request.target.decode("latin-1")
    return target.partition("://")[2].partition("/")[0] or target, request.method.decode("ascii", "replace")


def _is_same_host(name: str, target: Target) -> bool:
    try:
        return canonical_host(name) == target.host
    except PolicyRefusal:
        return False
