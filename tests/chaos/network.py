"""Machines on one machine: network namespaces on a bridge of their own, which can be cut off from it.

Needs root and iproute2. Addresses are of the block that is kept for measurements (RFC 2544, 198.18.0.0/15).
What is cut off meets silence, as behind a dead switch: nobody says that a connection ended.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

NETWORK = "198.18.77"
HOST = f"{NETWORK}.1"  # this program's own address on the bridge
_RELAY_BYTES = 1 << 16


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One namespace: its address, and the command that enters it."""

    address: str
    prefix: tuple[str, ...]
    cable: str
    bridge: str

    def cut_off(self) -> None:
        """Nothing arrives there or comes from there from now on, and nobody is told."""
        _ip("link", "set", self.cable, "nomaster")

    def heal(self) -> None:
        """It is on the network again."""
        _ip("link", "set", self.cable, "master", self.bridge)


@dataclass(slots=True)
class Network:
    """The bridge, and what hangs on it."""

    bridge: str
    _names: list[str] = field(default_factory=list)

    def add_machine(self) -> Machine:
        """One more machine, with a loopback of its own."""
        number = len(self._names) + 2
        name, cable = f"{self.bridge}-{number}", f"{self.bridge}v{number}"
        address = f"{NETWORK}.{number}"
        _ip("netns", "add", name)
        self._names.append(name)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", cable, "master", self.bridge, "up")
        inside = ("-n", name)
        _ip(*inside, "address", "add", f"{address}/24", "dev", "eth0")
        _ip(*inside, "link", "set", "eth0", "up")
        _ip(*inside, "link", "set", "lo", "up")
        prefix = ("ip", "netns", "exec", name)
        return Machine(address=address, prefix=prefix, cable=cable, bridge=self.bridge)

    def remove(self) -> None:
        """Take all of it away; the cables go with the namespaces."""
        for name in self._names:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", name)
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", self.bridge)


@contextmanager
def open_network() -> Iterator[Network]:
    """A bridge with this program on it; exits where it cannot be made, with the reason."""
    network = Network(f"hob{os.getpid() % 100_000}")
    try:
        _ip("link", "add", network.bridge, "type", "bridge")
    except FileNotFoundError:
        sys.exit("the program `ip` is not here: install iproute2")
    except subprocess.CalledProcessError as refused:
        sys.exit(f"no bridge can be made: {refused.stderr.decode().strip()} (this needs root)")
    try:
        _ip("address", "add", f"{HOST}/24", "dev", network.bridge)
        _ip("link", "set", network.bridge, "up")
        yield network
    finally:
        network.remove()


@asynccontextmanager
async def relay(at: str, to: str, port: int) -> AsyncIterator[None]:
    """Pass on what comes in at one address's port to the same port of another."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_RELAY_BYTES):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await asyncio.open_connection(to, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, other_writer), pass_on(other_reader, writer))

    async with await asyncio.start_server(accept, at, port):
        yield


async def relay_until_ended(arguments: Sequence[str]) -> None:
    """A relay as a process of its own: AT TO PORT."""
    at, to, port = arguments
    async with relay(at, to, int(port)):
        print("up", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(relay_until_ended(sys.argv[1:]))
