"""The operator's own network: private hosts by name, a proxy, a certificate authority of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.serve.sandbox import make_upstream
from bot.settings import SettingsError, load
from sandbox.egress.addresses import PolicyRefusal
from sandbox.egress.company import (
    Proxy,
    find_objection_to_private,
    make_trust,
    parse_private_hosts,
    parse_proxy,
)
from sandbox.egress.upstream import Upstream
from sandbox.spec import Egress
from tests.support import ROOT
from tests.support.egress import HOST, Internet, open_gate, run_internet
from tests.unit.sandbox.test_egress_gate import get, inside, over_tls, plain


class CompanyProxy:
    """Tunnels to the little internet whatever name it is asked for; ``asked`` are the heads of requests."""

    def __init__(self, world: Internet, answer: bytes) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._world, self._answer = world, answer
        self._tunnels: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        writer.write(self._answer)
        if b" 200 " not in self._answer:
            writer.close()
            return
        port = int(head.split()[1].rpartition(":")[2])
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    @staticmethod
    async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()


@asynccontextmanager
async def run_proxy(
    world: Internet, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n"
) -> AsyncIterator[CompanyProxy]:
    """A proxy on the loopback, until the block ends."""
    proxy = CompanyProxy(world, answer)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy


async def test_everything_goes_through_the_operators_proxy(tmp_path: Path) -> None:
    """No name is resolved here; TLS is checked by the company's authority, named in a file."""
    async with run_internet() as world, run_proxy(world) as proxy:
        world.authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        settings = load(
            home=tmp_path,
            egress_proxy=f"http://me:pass%20word@127.0.0.1:{proxy.port}",
            egress_ca=tmp_path / "ca.pem",
        )
        upstream = make_upstream(settings)
        assert upstream is not None and "pass word" not in repr(settings)
        async with open_gate(Egress(rules=(world.rule(),)), upstream) as visitor:
            assert (await visitor.says(get(plain(world)))).endswith(b"hello from outside\n")
            assert b"hello from outside" in await over_tls(visitor, world, inside(host=HOST))
    assert [head.split("\r\n")[0] for head in proxy.asked] == [
        f"CONNECT {HOST}:{world.plain} HTTP/1.1",
        f"CONNECT {HOST}:{world.tls} HTTP/1.1",
    ]
    assert all("Proxy-Authorization: Basic bWU6cGFzcyB3b3Jk\r\n" in head for head in proxy.asked)
    assert world.asked == []


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"hello\r\n\r\n", b""])
async def test_a_proxy_that_refuses_is_an_error_that_names_it(answer: bytes) -> None:
    async with run_internet() as world, run_proxy(world, answer) as proxy:
        upstream = Upstream(proxy=Proxy(host="127.0.0.1", port=proxy.port))
        with pytest.raises(OSError, match="the operator's proxy"):
            await upstream.dial(HOST, 443, tls=True, seconds=30)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.9", "172.16.4.4", "100.64.0.1", "fd00::7"])
async def test_a_private_host_is_reached_where_the_operator_names_it_with_its_port(address: str) -> None:
    async def lookup(name: str) -> list[str]:
        return [address]

    named = Upstream(lookup=lookup, private=parse_private_hosts("pypi.corp.example"))
    for host, port in (("pypi.corp.example", 8443), ("other.corp.example", 443)):
        with pytest.raises(PolicyRefusal, match="it resolves to"):
            await named.dial(host, port, tls=False, seconds=5)
    assert find_objection_to_private(ipaddress.ip_address(address), 443) == ""


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "168.63.129.16"]
)
async def test_no_name_opens_this_machine_or_a_clouds_metadata(address: str) -> None:
    async def lookup(name: str) -> list[str]:
        return [address]

    named = Upstream(lookup=lookup, private=parse_private_hosts("pypi.corp.example"))
    with pytest.raises(PolicyRefusal, match="it resolves to"):
        await named.dial("pypi.corp.example", 443, tls=False, seconds=5)


def test_private_hosts_are_names_with_ports() -> None:
    assert parse_private_hosts("PyPI.corp.example, npm.corp.example:8443") == {
        ("pypi.corp.example", 443),
        ("npm.corp.example", 8443),
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOB_EGRESS_PRIVATE", "10.0.0.1"),
        ("HOB_EGRESS_PRIVATE", "localhost"),
        ("HOB_EGRESS_PRIVATE", "a.example:http"),
        ("HOB_EGRESS_PRIVATE", "a.example,,b.example"),
        ("HOB_EGRESS_PROXY", "https://proxy.example:3128"),
        ("HOB_EGRESS_PROXY", "http://proxy.example"),
        ("HOB_EGRESS_PROXY", "proxy.example:3128"),
        ("HOB_EGRESS_PROXY", "http://proxy.example:3128/path"),
        ("HOB_EGRESS_CA", "/nowhere/ca.pem"),
    ],
)
def test_a_wrong_value_stops_the_start_and_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable):
        make_upstream(load(home=tmp_path))


def test_nothing_said_is_the_internet_as_ever(tmp_path: Path) -> None:
    assert make_upstream(load(home=tmp_path)) is None
    assert parse_proxy("http://proxy.example:3128/") == Proxy(host="proxy.example", port=3128)
    assert make_trust(None).check_hostname


def test_a_private_host_answers_behind_a_real_private_address() -> None:
    """Two network namespaces with a cable between them; skipped where this user may make none."""
    apart = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*apart, "ip", "link", "show"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"no network namespaces here: {refused}")
    play = [*apart, sys.executable, "-m", "tests.support.private_host"]
    ran = subprocess.run(play, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.stdout.splitlines() == [
        "hello from a private host",
        "it resolves to 10.99.0.2 (private)",
        "it resolves to 10.99.0.1 (an address of this machine)",
    ], ran.stderr
