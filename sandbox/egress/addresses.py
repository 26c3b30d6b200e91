"""Host names in one canonical form, and which addresses may be connected to.

Ranges are IANA's special-purpose registries (iana-ipv4-special-registry, iana-ipv6-special-registry), plus
what clouds keep behind public-looking addresses. ``ipaddress.is_global`` is asked too, but not alone: its
answers changed between versions of Python.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

import idna

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Awaitable[Sequence[str]]]
Objection = Callable[[Address, int], str]

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0%/\\@?#\[\]<>^|`\"']")

_REFUSED_4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "metadata of Azure",
    "169.254.0.0/16": "link-local, where metadata is",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_REFUSED_6 = {
    "::1/128": "loopback",
    "::/96": "an IPv4 address in disguise",
    "::ffff:0:0/96": "an IPv4 address in disguise",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "2001::/32": "Teredo",
    "2001::/23": "protocol assignments",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "AS112",
    "3fff::/20": "documentation",
    "fc00::/7": "private",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
_TABLE = [(ipaddress.ip_network(net), why) for net, why in (_REFUSED_4 | _REFUSED_6).items()]
_GLOBAL_6 = ipaddress.ip_network("2000::/3")


class PolicyRefusal(Exception):
    """The network policy refuses this. ``reason`` is one line for the log and for the program inside.

    ``remedy`` is the rule that would allow it, '' where none would.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def canonical_host(host: str) -> str:
    """The one form of a host's name: lower case, IDNA A-labels, no trailing dot.

    Raises PolicyRefusal for everything that is no plain name of at least two labels; addresses are refused in
    any notation, ``127.1`` and ``0x7f000001`` included.
    """
    if not host or len(host) > 253 or _UNFIT.search(host):
        raise PolicyRefusal("not a host's name")
    if ":" in host:
        raise PolicyRefusal("an address, not a name")
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise PolicyRefusal("not a host's name") from None
    name = name.removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise PolicyRefusal("an address, not a name")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise PolicyRefusal("not a host's name")
    return name


def find_objection(address: Address, port: int) -> str:
    """Why an address must not be connected to, '' when it is an ordinary one of the public internet."""
    for network, why in _TABLE:
        if address.version == network.version and address in network:
            return why
    if isinstance(address, ipaddress.IPv6Address) and (address not in _GLOBAL_6 or address.scope_id):
        return "reserved"
    if not address.is_global or address.is_multicast:
        return "reserved"
    return "an address of this machine" if is_local(address) else ""


def is_local(address: Address) -> bool:
    """Whether it belongs to this machine: what listens here on all addresses would be behind it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


async def resolve_host(name: str) -> list[str]:
    """All addresses of a name, by the host's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    # The dot at the end keeps search domains of the host out of it.
    found = await loop.getaddrinfo(f"{name}.", None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


async def resolve_checked(
    name: str, port: int, *, lookup: Resolve, find_objection: Objection
) -> list[Address]:
    """The addresses of a name, every one of them checked; connect to these and to nothing else.

    One address that is refused refuses the name: an answer that mixes public and private ones is what DNS
    rebinding looks like. Raises PolicyRefusal, and OSError when the name cannot be resolved.
    """
    found = []
    for text in await lookup(name):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise PolicyRefusal(f"it resolves to {text!r}, which is no address") from None
        if why := find_objection(address, port):
            raise PolicyRefusal(f"it resolves to {address} ({why})")
        found.append(address)
    if not found:
        raise OSError(f"{name} has no address")
    return found
