"""One HTTP request to a host and its answer back, parsed and written anew: nothing passes as raw bytes."""

from __future__ import annotations

import h11

from sandbox.egress.http_messages import Talk, Target, framing, passed_on
from sandbox.egress.request_log import Entry


async def exchange(client: Talk, server: Talk, request: h11.Request, target: Target, entry: Entry) -> None:
    """Pass a request on and its answer back. Raises Refused, OSError, TimeoutError, h11.ProtocolError."""
    await server.send(
        h11.Request(
            method=request.method,
            target=target.path.encode("latin-1"),
            headers=[(b"host", _host(target)), *passed_on(request.headers), *framing(request.headers)],
        )
    )
    entry.count(sum(len(name) + len(value) + 4 for name, value in request.headers) + len(target.path), True)
    while isinstance(event := await client.event(), h11.Data):
        entry.count(len(event.data), True)
        await server.send(h11.Data(data=bytes(event.data)))
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("the request broke off")
    await server.send(h11.EndOfMessage())
    await _answer(client, server, entry)


async def _answer(client: Talk, server: Talk, entry: Entry) -> None:
    while isinstance(answer := await server.event(), h11.InformationalResponse):
        continue
    if not isinstance(answer, h11.Response):
        raise ConnectionError("the host ended without an answer")
    headers = [*passed_on(answer.headers), *framing(answer.headers)]
    entry.count(sum(len(name) + len(value) + 4 for name, value in headers), False)
    await client.send(h11.Response(status_code=answer.status_code, reason=answer.reason, headers=headers))
    while isinstance(event := await server.event(), h11.Data):
        entry.count(len(event.data), False)
        await client.send(h11.Data(data=bytes(event.data)))
    if not isinstance(event, h11.EndOfMessage):
        raise ConnectionError("the answer broke off")
    await client.send(h11.EndOfMessage())


def reusable(*talks: Talk) -> bool:
    """Whether another request may follow on these; makes them ready for it."""
    if any(talk.http.our_state is not h11.DONE or talk.http.their_state is not h11.DONE for talk in talks):
        return False
    for talk in talks:
        talk.http.start_next_cycle()
    return True


def _host(target: Target) -> bytes:
    plain = target.port in (80, 443)
    return (target.host if plain else f"{target.host}:{target.port}").encode("ascii")
