"""Forwarding of one HTTP request and its answer: both are parsed and serialised again, no raw bytes pass."""

from __future__ import annotations

import h11

from sandbox.egress.http_messages import HttpPeer, Target, filter_headers, framing_headers
from sandbox.egress.request_log import OpenRecord


async def forward_exchange(
    client: HttpPeer, server: HttpPeer, request: h11.Request, target: Target, entry: OpenRecord
) -> None:
    """Forward a request to the server and its answer to the client; ``entry`` counts the bytes.

    Raises PolicyRefusal, OSError, TimeoutError, h11.ProtocolError.
    """
    await server.send(
        h11.Request(
            method=request.method,
            target=target.path.encode("latin-1"),
            headers=[
                (b"host", _host_header(target)),
                *filter_headers(request.headers),
                *framing_headers(request.headers),
            ],
        )
    )
    entry.count(sum(len(name) + len(value) + 4 for name, value in request.headers) + len(target.path), True)
    while isinstance(event := await client.read_event(), h11.Data):
        entry.count(len(event.data), True)
        await server.send(h11.Data(data=bytes(event.data)))
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("the request broke off")
    await server.send(h11.EndOfMessage())
    await _forward_answer(client, server, entry)


async def _forward_answer(client: HttpPeer, server: HttpPeer, entry: OpenRecord) -> None:
    while isinstance(answer := await server.read_event(), h11.InformationalResponse):
        continue
    if not isinstance(answer, h11.Response):
        raise ConnectionError("the host ended without an answer")
    headers = [*filter_headers(answer.headers), *framing_headers(answer.headers)]
    entry.count(sum(len(name) + len(value) + 4 for name, value in headers), False)
    await client.send(h11.Response(status_code=answer.status_code, reason=answer.reason, headers=headers))
    while isinstance(event := await server.read_event(), h11.Data):
        entry.count(len(event.data), False)
        await client.send(h11.Data(data=bytes(event.data)))
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("the answer broke off")
    await client.send(h11.EndOfMessage())


def start_next_cycle(*peers: HttpPeer) -> bool:
    """Make connections ready for another request; False where one of them cannot carry any more."""
    if any(peer.http.our_state is not h11.DONE or peer.http.their_state is not h11.DONE for peer in peers):
        return False
    for peer in peers:
        peer.http.start_next_cycle()
    return True


def _host_header(target: Target) -> bytes:
    plain = target.port in (80, 443)
    return (target.host if plain else f"{target.host}:{target.port}").encode("ascii")
