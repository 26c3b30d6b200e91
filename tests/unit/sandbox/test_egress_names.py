"""Names, addresses and TLS greetings: what the gate takes for the same thing, and what it refuses."""

from __future__ import annotations

import ipaddress
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.addresses import PolicyRefusal, canonical_host, find_objection, resolve_checked
from sandbox.egress.client_hello import read_client_hello, read_server_name
from sandbox.egress.rules import PACKAGES, allowed_methods, parse_rule
from sandbox.spec import Egress, Rule

PUBLIC = ("1.1.1.1", "8.8.8.8", "140.82.121.4", "2606:4700:4700::1111", "2a00:1450:4001::1")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("pypi.org", "pypi.org"),
        ("PyPI.Org.", "pypi.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("ＰＹＰＩ．org", "pypi.org"),
        ("pypi。org", "pypi.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_has_one_form(written: str, meant: str) -> None:
    assert canonical_host(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", ".", "..", "localhost", "pypi.org..", ".pypi.org", "pypi..org", "-a.org", "a-.org", "*.org"),
        *(
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "017700000001",
            "1.2.3.08",
        ),
        *("１２７.０.０.１", "①②⑦.0.0.1", "127.0.0.1.", "0x", "example.0x1", "1e3.5"),
        *("::1", "[::1]", "fe80::1%eth0", "[fe80::1%25eth0]", "::ffff:127.0.0.1"),
        *(
            "pypi.org\0.evil.com",
            "pypi.org\r\nHost: evil.com",
            "pypi.org evil.com",
            "pypi.org%00",
            "pypi.org/x",
        ),
        *(
            "pypi.org@evil.com",
            "evil.com#pypi.org",
            "evil.com?pypi.org",
            "evil.com\\pypi.org",
            "a" * 64 + ".org",
        ),
        *("a." * 127 + "org", "py\u00adpi\u200b.org\u2028", "pypi.org\u2025"),
    ],
)
def test_s49_what_is_no_plain_name_is_refused(written: str) -> None:
    with pytest.raises(PolicyRefusal):
        canonical_host(written)


@given(st.ip_addresses())
def test_only_global_addresses_are_the_internet(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert find_objection(address, 443)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_comes_in_the_clothes_of_an_ipv6_one(inner: ipaddress.IPv4Address) -> None:
    low = int(inner)
    for disguise in (
        low,  # compatible
        0xFFFF << 32 | low,  # mapped
        0x64FF9B << 96 | low,  # NAT64
        0x64FF9B0001 << 80 | low,  # local NAT64
        0x2002 << 112 | low << 80,  # 6to4
        0x20010000 << 96 | low ^ 0xFFFFFFFF,  # Teredo
    ):
        assert find_objection(ipaddress.IPv6Address(disguise), 443)


@pytest.mark.parametrize(
    "refused",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
        *("169.254.169.254", "169.254.170.2", "168.63.129.16", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
        *(
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
        ),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"),
        *("2001:db8::1", "2001:2::1", "2001:10::1", "3fff::1", "5f00::1", "100::1", "4000::1"),
    ],
)
def test_s49_special_addresses_are_refused(refused: str) -> None:
    assert find_objection(ipaddress.ip_address(refused), 443)


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_addresses_are_not(address: str) -> None:
    assert find_objection(ipaddress.ip_address(address), 443) == ""


async def test_s49_one_private_address_in_the_answer_refuses_the_name() -> None:
    async def lookup(name: str) -> list[str]:
        return ["1.1.1.1", "10.0.0.7"]

    with pytest.raises(PolicyRefusal, match=r"10\.0\.0\.7 \(private\)"):
        await resolve_checked("rebind.example.com", 443, lookup=lookup, find_objection=find_objection)


@pytest.mark.parametrize(
    ("rule", "host", "port", "allowed"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "a.example.com", 443, False),
        ("example.com", "evilexample.com", 443, False),
        ("example.com", "example.com.evil.com", 443, False),
        ("example.com", "example.com", 22, False),
        ("example.com", "example.com", 8443, False),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("*.example.com", "a.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 80, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "evilexample.com", 443, False),
    ],
)
def test_s49_rules_name_hosts_and_nothing_that_looks_like_them(
    rule: str, host: str, port: int, allowed: bool
) -> None:
    egress = Egress(rules=(parse_rule(rule),))
    if allowed:
        assert allowed_methods(egress, host, port) == frozenset()
    else:
        with pytest.raises(PolicyRefusal):
            allowed_methods(egress, host, port)


def test_rules_for_one_host_add_up() -> None:
    egress = Egress(rules=(parse_rule("GET example.com"), parse_rule("HEAD,POST example.com:443")))
    assert allowed_methods(egress, "example.com", 443) == {"GET", "HEAD", "POST"}
    assert allowed_methods(egress, "example.com", 80) == {"GET"}


@pytest.mark.parametrize(
    "written", ["", "10.0.0.1", "a b.c", "example.com:0", "example.com:70000", "*", "*.*.com"]
)
def test_a_rule_that_makes_no_sense_is_an_error(written: str) -> None:
    with pytest.raises(ValueError, match=r"host|address|port"):
        parse_rule(written)


def test_registries_are_read_only_and_canonical() -> None:
    assert {rule.methods for rule in PACKAGES} == {("GET", "HEAD")}
    assert all(canonical_host(rule.host) == rule.host and rule.ports == (443, 80) for rule in PACKAGES)
    assert Rule(host="pypi.org", methods=("GET", "HEAD")) in PACKAGES


def hello(name: str | None) -> bytes:
    """A ClientHello as OpenSSL makes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def records(body: bytes, size: int) -> bytes:
    """The same greeting, cut into records of ``size`` bytes."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts)


def test_the_name_is_read_from_the_greeting() -> None:
    body = read_client_hello(hello(HOST := "files.example.com"))
    assert body is not None
    assert read_server_name(body) == HOST


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_greeting_in_pieces_is_put_together(size: int) -> None:
    whole = hello("files.example.com")[5:]
    cut = records(whole, size)
    assert all(read_client_hello(cut[:length]) is None for length in range(len(cut)))
    body = read_client_hello(cut)
    assert body is not None
    assert read_server_name(body) == "files.example.com"


def test_a_greeting_without_a_name_is_refused() -> None:
    body = read_client_hello(hello(None))
    assert body is not None
    with pytest.raises(PolicyRefusal, match="SNI"):
        read_server_name(body)


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for(noise: bytes) -> None:
    try:
        body = read_client_hello(b"\x16\x03\x01" + noise)
        if body is not None:
            read_server_name(body)
    except PolicyRefusal:
        pass


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_greeting_that_was_tampered_with_breaks_nothing(at: int, value: int) -> None:
    data = bytearray(hello("files.example.com"))
    data[at % len(data)] = value
    try:
        body = read_client_hello(bytes(data))
        if body is not None:
            read_server_name(body)
    except PolicyRefusal:
        pass


@pytest.mark.parametrize(
    "start", [b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n", b"\x16\x02\x00\x00\x05", b"\x17\x03\x03\x00\x01x"]
)
def test_what_is_no_tls_is_refused_at_once(start: bytes) -> None:
    with pytest.raises(PolicyRefusal, match="not TLS"):
        read_client_hello(start)
