"""The gate against what programs inside may send it, byte by byte, with a real server behind it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace

import h11
import pytest

from sandbox.egress.addresses import find_objection
from sandbox.egress.http_messages import Target
from sandbox.egress.reading import limit_to_reading
from sandbox.egress.request_log import OpenRecord, RequestLog
from sandbox.egress.timed_stream import TimedStream
from sandbox.egress.upstream import Upstream
from sandbox.spec import Egress
from tests.support.egress import HOST, Internet, Visitor, open_gate, run_internet

OTHER = "other.example.com"


def get(
    host: str, path: str = "/", *headers: str, method: str = "GET", host_header: str | None = None
) -> bytes:
    lines = [f"{method} http://{host}{path} HTTP/1.1", f"Host: {host_header or host}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def plain(world: Internet) -> str:
    return f"{HOST}:{world.plain}"


async def over_tls(
    visitor: Visitor, world: Internet, data: bytes, *, name: str = HOST, sni: str | None = None, port: int = 0
) -> bytes:
    """CONNECT, a TLS greeting for ``sni``, and what comes back for ``data``."""
    context = ssl.create_default_context()
    world.authority.configure_trust(context)
    context.load_verify_locations(cadata=visitor.gate.authority.bundle())
    context.check_hostname = False
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.port)
    try:
        port = port or world.tls
        writer.write(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        if b" 200 " not in head:
            return head + await reader.read()
        await asyncio.wait_for(writer.start_tls(context, server_hostname=sni or name), 60)
        writer.write(data)
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


def inside(path: str = "/", *headers: str, method: str = "GET", host: str = "") -> bytes:
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "Connection: close", "", ""]
    ).encode()


async def test_a_plain_request_goes_out_and_comes_back() -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        answer = await visitor.says(get(plain(world), "/a?b=c"))
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello from outside\n")
        assert world.heard == [f"GET {plain(world)} /a?b=c 0"]
        (record,) = await visitor.records()
        assert (record.host, record.port, record.method, record.allowed) == (HOST, world.plain, "GET", True)
        assert record.reason == "" and record.received > 19 and record.sent > 0


async def test_a_body_goes_out_whole_and_headers_of_the_way_do_not() -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        body = b"4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
        headers = (
            "Transfer-Encoding: chunked",
            "Proxy-Authorization: Basic eA==",
            "Connection: close, X-Secret",
        )
        more = ("X-Secret: 1", "X-Kept: 2", "Upgrade: websocket", "TE: trailers", "Keep-Alive: 5")
        answer = await visitor.says(get(plain(world), "/", *headers, *more, method="POST") + body)
        assert b" 200 " in answer
        assert world.heard == [f"POST {plain(world)} / 7"]
        (seen,) = world.headers
        assert seen["x-kept"] == "2"
        assert not {"proxy-authorization", "x-secret", "upgrade", "te", "keep-alive"} & {
            n.lower() for n in seen
        }


async def test_tls_goes_through_as_it_is_where_any_method_is_allowed() -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        answer = await over_tls(visitor, world, inside("/x", method="DELETE", host=HOST))
        assert b"hello from outside" in answer
        (record,) = await visitor.records()
        assert (record.method, record.allowed) == ("CONNECT", True)
        assert record.sent > 200 and record.received > 200


async def test_methods_hold_inside_tls_too() -> None:
    """The registries' promise: what is public can be read, nothing can be uploaded."""
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(HOST, "GET", "HEAD"),))
        async with open_gate(egress, world.upstream()) as visitor:
            host = f"{HOST}:{world.tls}"
            assert b"hello from outside" in await over_tls(visitor, world, inside("/x", host=host))
            refused = await over_tls(
                visitor, world, inside("/x", "Content-Length: 3", method="PUT", host=host) + b"abc"
            )
            assert refused.startswith(b"HTTP/1.1 403 ") and b"PUT is not on the list" in refused
            assert b"another host" in await over_tls(visitor, world, inside("/x", host=OTHER))
            assert [line.split()[0] for line in world.heard] == ["GET"]
            records = await visitor.records()
            assert [(r.method, r.allowed) for r in records] == [("GET", True), ("PUT", False), ("GET", False)]
            assert records[1].remedy == HOST


async def test_where_only_reading_is_allowed_a_get_carries_nothing_but_its_address() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(HOST, "GET", "HEAD"),))
        async with open_gate(egress, world.upstream()) as visitor:
            host = f"{HOST}:{world.tls}"
            for path, headers, body, why in (
                ("/x", ("Content-Length: 3",), b"abc", b"a body in a request that only reads"),
                ("/x", ("Transfer-Encoding: chunked",), b"3\r\nabc\r\n0\r\n\r\n", b"a body in a request"),
                ("/x?" + "q" * 2050, (), b"", b"longer than 2048 bytes"),
                ("/x", ("User-Agent: " + "u" * 600,), b"", b"a header longer than 512 bytes"),
            ):
                answer = await over_tls(visitor, world, inside(path, *headers, host=host) + body)
                assert answer.startswith(b"HTTP/1.1 403 ") and why in answer, answer
            assert not world.heard
            assert b"hello from outside" in await over_tls(
                visitor, world, inside("/x", "Content-Length: 0", "Accept: text/html", host=host)
            )


def test_credentials_and_method_overrides_are_dropped_where_only_reading_is_allowed() -> None:
    told = [("Host", HOST), ("Accept", "*/*"), ("Range", "bytes=0-9"), ("If-None-Match", "x")]
    hidden = ["Authorization", "Cookie", "X-HTTP-Method-Override", "X-Method-Override", "Referer", "X-Data"]
    request = h11.Request(method="GET", target="/x", headers=[*told, *((name, "secret") for name in hidden)])
    limited = limit_to_reading(request, Target(host=HOST, port=443, path="/x"))
    assert [name for name, _ in limited.headers] == [name.lower().encode() for name, _ in told]


async def test_many_requests_on_one_connection_are_each_judged() -> None:
    async with (
        run_internet() as world,
        open_gate(Egress(rules=(world.rule(HOST, "GET"),)), world.upstream()) as visitor,
    ):
        line = f"GET /{{}} HTTP/1.1\r\nHost: {HOST}:{world.tls}\r\n\r\n"
        data = "".join(line.format(number) for number in range(3)).encode()
        answer = await over_tls(visitor, world, data + data.replace(b"GET", b"POST"))
        assert answer.count(b"HTTP/1.1 200 ") == 3 and answer.count(b"HTTP/1.1 403 ") == 1
        assert len(world.heard) == 3
        assert [r.method for r in await visitor.records()] == ["GET", "GET", "GET", "POST"]


@pytest.mark.parametrize("methods", [(), ("GET",)])
async def test_s49_tls_for_another_host_ends(methods: tuple[str, ...]) -> None:
    """Domain fronting: CONNECT names the host that is allowed, the greeting another one there."""
    async with (
        run_internet(OTHER) as world,
        open_gate(Egress(rules=(world.rule(HOST, *methods),)), world.upstream()) as visitor,
    ):
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await over_tls(visitor, world, inside("/", host=OTHER), sni=OTHER)
        (record,) = await visitor.records()
        assert not record.allowed and "another host (SNI)" in record.reason
        assert world.heard == []


@pytest.mark.parametrize("methods", [(), ("GET",)])
async def test_s49_a_tunnel_carries_nothing_but_tls(methods: tuple[str, ...]) -> None:
    async with (
        run_internet() as world,
        open_gate(Egress(rules=(world.rule(HOST, *methods),)), world.upstream()) as visitor,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", visitor.port)
        writer.write(f"CONNECT {HOST}:{world.tls} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await asyncio.wait_for(reader.read(), 60)
        writer.close()
        (record,) = await visitor.records()
        assert not record.allowed and "TLS" in record.reason


async def test_a_host_whose_certificate_is_not_trusted_is_not_talked_to() -> None:
    async with run_internet() as world:
        upstream = replace(world.upstream(), trust=ssl.create_default_context())
        async with open_gate(Egress(rules=(world.rule(HOST, "GET"),)), upstream) as visitor:
            assert b"not trusted" in await over_tls(visitor, world, inside("/", host=HOST))
            assert world.heard == []


HOSTS = [
    *("evil.com", "evilfiles.example.com", f"{HOST}.evil.com", "example.com", "xn--files-.example.com"),
    *("127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"),
    *("[fe80::1%25eth0]", "169.254.169.254", "localhost", f"{HOST}@evil.com", f"evil.com#{HOST}", "", "a b"),
    *(f"{HOST}%00.evil.com", f"{HOST}\x00.evil.com", f"{HOST}%2eevil.com", f"{HOST}\\.evil.com", "*"),
]


@pytest.mark.parametrize("host", HOSTS)
async def test_s49_other_hosts_are_refused_and_not_even_looked_up(host: str) -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        asked = [
            get(f"{host}:{world.plain}"),
            f"CONNECT {host}:{world.tls} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"),
        ]
        for data in asked:
            answer = await visitor.says(data)
            assert answer == b"" or answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ")), answer
        assert world.heard == [] and world.asked == []
        records = await visitor.records()
        assert len(records) == 2 and not any(record.allowed for record in records)
        assert all(record.reason for record in records)


@pytest.mark.parametrize(
    "host", [HOST.upper(), f"{HOST}.", "ＦＩＬＥＳ.example.com".encode().decode("latin-1")]
)
async def test_one_host_in_other_spellings_is_that_host_or_none(host: str) -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        answer = await visitor.says(get(f"{host}:{world.plain}"))
        assert (b" 200 " in answer) is host.isascii()
        assert set(world.asked) <= {HOST}
        assert all(f"GET {plain(world)} / 0" == line for line in world.heard)


SHAPES = {
    "two lengths": get("{}", "/", "Content-Length: 4", "Transfer-Encoding: chunked", method="POST")
    + b"0\r\n\r\n",
    "length twice": get("{}", "/", "Content-Length: 4", "Content-Length: 5", method="POST") + b"abcde",
    "length twice, equal": get("{}", "/", "Content-Length: 4", "Content-Length: 4", method="POST") + b"abcd",
    "length as a list": get("{}", "/", "Content-Length: 4, 4", method="POST") + b"abcd",
    "length with a sign": get("{}", "/", "Content-Length: +4", method="POST") + b"abcd",
    "chunked twice": get("{}", "/", "Transfer-Encoding: chunked, chunked", method="POST") + b"0\r\n\r\n",
    "chunked after identity": get("{}", "/", "Transfer-Encoding: identity", method="POST") + b"0\r\n\r\n",
    "chunked with a tab": get("{}", "/", "Transfer-Encoding:\x0bchunked", method="POST") + b"0\r\n\r\n",
    "space before colon": get("{}", "/", "Content-Length : 4", method="POST") + b"abcd",
    "folded": get("{}", "/", "X-A: b", " Transfer-Encoding: chunked"),
    "bare line feed": get("{}").replace(b"\r\n", b"\n"),
    "one bare line feed": get("{}", "/", "X-A: b\nX-B: c"),
    "bare return": get("{}", "/", "X-A: b\rX-B: c"),
    "NUL": get("{}", "/", "X-A: b\x00c"),
    "Host twice": get("{}", "/", "Host: {}"),
    "Host of another": get("{}", host_header="evil.com"),
    "no Host": b"GET http://{}/ HTTP/1.0\r\n\r\n",
    "origin form": b"GET / HTTP/1.1\r\nHost: {}\r\n\r\n",
    "other scheme": b"GET ftp://{}/ HTTP/1.1\r\nHost: {}\r\n\r\n",
    "https without CONNECT": b"GET https://{}/ HTTP/1.1\r\nHost: {}\r\n\r\n",
    "fragment": b"GET http://{}/#x HTTP/1.1\r\nHost: {}\r\n\r\n",
    "user": b"GET http://me:pw@{}/ HTTP/1.1\r\nHost: {}\r\n\r\n",
    "HTTP/1.0 chunked": b"POST http://{}/ HTTP/1.0\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "noise": b"\x00\x01\x02\x03\r\n\r\n",
    "endless head": b"GET http://{}/ HTTP/1.1\r\nX: " + b"a" * 70_000,
    "early bytes": b"CONNECT {} HTTP/1.1\r\nHost: {}\r\n\r\n\x16\x03\x01",
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_s49_what_two_parsers_could_read_differently_is_refused(shape: str) -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        data = SHAPES[shape].replace(b"{}", plain(world).encode())
        answer = await visitor.says(data, end=shape != "early bytes")
        assert b"HTTP/1.1 200" not in answer, answer
        assert world.heard == []
        (record,) = await visitor.records()
        assert not record.allowed and record.reason


async def test_s49_a_redirect_is_a_request_of_its_own() -> None:
    async with run_internet() as world, open_gate(Egress(rules=(world.rule(),)), world.upstream()) as visitor:
        answer = await visitor.says(get(plain(world), "/away"))
        assert b"169.254.169.254" in answer and b" 302 " in answer
        assert b" 403 " in await visitor.says(get("169.254.169.254", "/latest/meta-data/"))


async def test_s49_a_name_that_moves_to_a_private_address_is_refused() -> None:
    """DNS rebinding: each request is resolved once, and what was checked is what is connected to."""
    async with run_internet() as world:
        world.answers[HOST] = [["127.0.0.1"], ["10.0.0.1"], ["1.1.1.1", "169.254.169.254"]]
        permitted = world.upstream()

        def allow_local(address, port):
            return "" if str(address) == "127.0.0.1" else find_objection(address, port)

        upstream = Upstream(lookup=permitted.lookup, find_objection=allow_local, trust=permitted.trust)
        async with open_gate(Egress(rules=(world.rule(),)), upstream) as visitor:
            assert b" 200 " in await visitor.says(get(plain(world)))
            for _ in range(2):
                assert b" 403 " in await visitor.says(get(plain(world)))
            assert len(world.heard) == 1 and world.asked == [HOST] * 3
            reasons = [record.reason for record in await visitor.records()]
            assert reasons == [
                "",
                "it resolves to 10.0.0.1 (private)",
                f"it resolves to 169.254.169.254 ({LINK})",
            ]


LINK = "link-local, where metadata is"


async def test_the_real_policy_refuses_the_loopback() -> None:
    """Without the tests' permission there is no way to it, whatever the resolver says."""
    async with run_internet() as world:
        upstream = Upstream(lookup=world.upstream().lookup)
        async with open_gate(Egress(rules=(world.rule(),)), upstream) as visitor:
            assert b"(loopback)" in await visitor.says(get(plain(world)))
            assert world.heard == []


async def test_bytes_have_an_end() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(),), total_bytes=200_000)
        async with open_gate(egress, world.upstream()) as visitor:
            assert len(await visitor.says(get(plain(world), "/stream"))) < 300_000
            assert b" 403 " in await visitor.says(get(plain(world)))
            first, second = await visitor.records()
            assert "used up" in first.reason and "used up" in second.reason
            assert first.received <= 200_000


async def test_slow_and_silent_clients_end() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(),), head_seconds=0.2, idle_seconds=0.3)
        async with open_gate(egress, world.upstream()) as visitor:
            assert await visitor.says(b"") == b""
            assert await visitor.says(b"GET http://" + HOST.encode()) == b""
            body = get(plain(world), "/", "Content-Length: 10", method="POST") + b"abc"
            assert b" 504 " in await visitor.says(body)
            reader, writer = await asyncio.open_connection("127.0.0.1", visitor.port)
            began = asyncio.get_running_loop().time()
            with pytest.raises(ConnectionError):
                while not reader.at_eof():  # one byte at a time, for ever
                    writer.write(b"G")
                    await writer.drain()
                    await asyncio.sleep(0.03)
                raise ConnectionError
            assert asyncio.get_running_loop().time() - began < 30
            writer.close()


@pytest.mark.parametrize("turns", range(4))
async def test_a_deadline_that_comes_together_with_a_byte_is_not_lost(turns: int) -> None:
    """Or whoever sends a byte in that very turn of the loop could hold a connection for ever."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    receiving = asyncio.create_task(TimedStream(reader, writer, 60).receive())
    await asyncio.sleep(0.01)
    reader.feed_data(b"G")
    for _ in range(turns):
        await asyncio.sleep(0)
    was_pending = receiving.cancel()
    await asyncio.wait([receiving])
    assert receiving.cancelled() == was_pending
    theirs.close()
    writer.close()
    await writer.wait_closed()


async def test_a_half_open_tunnel_ends() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(),), idle_seconds=0.3)
        async with open_gate(egress, world.upstream()) as visitor:
            answer = await over_tls(visitor, world, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in answer  # the server would have kept it open
            (record,) = await visitor.records()
            assert record.reason == "nothing moved for too long"


async def test_connections_wait_rather_than_pile_up_and_have_an_end() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(),), connections=2, total_connections=6, head_seconds=0.3)
        async with open_gate(egress, world.upstream()) as visitor:
            idle = [await asyncio.open_connection("127.0.0.1", visitor.port) for _ in range(4)]
            assert b" 200 " in await visitor.says(get(plain(world)))
            assert b" 200 " in await visitor.says(get(plain(world)))
            with pytest.raises(ConnectionError):  # the seventh
                await asyncio.open_connection("127.0.0.1", visitor.port)
            for _, writer in idle:
                writer.close()


def test_records_are_bounded_and_refusals_outlive_what_was_served() -> None:
    log = RequestLog(Egress(rules=()))
    for number in range(1200):
        OpenRecord(log, HOST, number).close()
    OpenRecord(log, "evil\x1b[2J\n.com", 443).close("no", allowed=False)
    records, omitted = log.take()
    assert len(records) == 1000 and omitted == 201
    assert records[-1].host == "evil?[2J?.com" and not records[-1].allowed
    assert log.take() == ((), 0)


async def test_a_shut_gate_refuses_all_that_the_rules_allow_and_says_why() -> None:
    async with run_internet() as world:
        egress = Egress(rules=(world.rule(), world.rule("*.example.com", "GET")))
        async with open_gate(egress, world.upstream()) as visitor:
            assert b"hello from outside" in await visitor.says(get(plain(world)), end=True)
            reader, writer = await asyncio.open_connection("127.0.0.1", visitor.port)
            writer.write(get(plain(world)))
            await reader.readuntil(b"hello from outside\n")  # a connection that stays open
            await visitor.gate.shut("a text was suspicious")
            writer.write(get(plain(world)))
            assert await reader.read() == b"", "what was open is ended"
            writer.close()
            await visitor.gate.shut("another reason")
            assert b"403" in (answer := await visitor.says(get(plain(world)), end=True))
            assert b"a text was suspicious" in answer
            assert b" 403 " in await over_tls(visitor, world, inside(host=HOST))
            assert len(world.heard) == 2
            refused = [each for each in await visitor.records() if not each.allowed]
            assert {each.reason for each in refused} == {"a text was suspicious"}
