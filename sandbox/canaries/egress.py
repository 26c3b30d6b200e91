"""The self-test's canaries for the network's gate: a sandbox that may reach one host tries others.

The server beyond the gate is the self-test's own, on the loopback; nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from sandbox.bwrap.sandbox import open_bwrap
from sandbox.egress.addresses import Address, find_objection
from sandbox.egress.client_environment import PORT
from sandbox.egress.upstream import Upstream
from sandbox.spec import Command, Egress, Limits, Policy, Rule
from sandbox.toolchain import Toolchain

NAMED, OTHER, REBOUND = (f"{name}.canary.example.com" for name in ("named", "other", "rebound"))
_PRIVATE = "10.11.12.13"

# Prints one JSON object: name -> status of the answer, or the error's number.
_PROGRAM = """
import json, socket, sys
host, other, rebound, gate, port = json.loads(sys.argv[1])
def send(line):
    where = line.split()[1].split("//")[-1].split("/")[0]
    with socket.create_connection(("127.0.0.1", gate), 5) as client:
        client.sendall(f"{line} HTTP/1.1\\r\\nHost: {where}\\r\\n\\r\\n".encode())
        return int(client.recv(4096).split()[1] or 0)
def connect(address):
    try:
        socket.create_connection(address, 1).close()
    except OSError as error:
        return error.errno or -1
    return 0
print(json.dumps({
    "named": send(f"GET http://{host}:{port}/"),
    "other": send(f"GET http://{other}:{port}/"),
    "method": send(f"POST http://{host}:{port}/"),
    "port": send(f"CONNECT {host}:22"),
    "address": send(f"GET http://127.0.0.1:{port}/"),
    "metadata": send("GET http://169.254.169.254/latest/"),
    "rebound": send(f"GET http://{rebound}:{port}/"),
    "around": connect(("192.0.2.1", 80)),
    "loopback": connect(("127.0.0.1", port)),
}))
"""
_EXPECTED = {
    "named": ("gate: a named host is served", {200}),
    "other": ("gate: another host", {403}),
    "method": ("gate: another method", {403}),
    "port": ("gate: another port", {403}),
    "address": ("gate: an address of the host", {403}),
    "metadata": ("gate: metadata", {403}),
    "rebound": ("gate: a name with a private address", {403}),
    "around": ("gate: a way around it", {101, 113}),  # ENETUNREACH, EHOSTUNREACH
    "loopback": ("gate: the host's loopback behind it", {111}),  # ECONNREFUSED
}


async def try_gate(
    base: Path, tools: Toolchain, limits: Limits, scratch: Path, *, upstream: Upstream | None = None
) -> list[tuple[str, bool, str]]:
    """(name, held, detail) of each canary. Raises SandboxUnavailable.

    ``upstream`` replaces the canaries' own; the test of this module passes one that checks nothing.
    """
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    rules = tuple(Rule(host=host, ports=(port,), methods=("GET",)) for host in (NAMED, REBOUND))
    policy = Policy(
        limits=limits, mounts=tools.mounts, path=tools.path, env=tools.env, egress=Egress(rules=rules)
    )
    argument = json.dumps([NAMED, OTHER, REBOUND, PORT, port])
    async with (
        server,
        await open_bwrap(
            layers=[base], policy=policy, scratch=scratch, upstream=upstream or _upstream_for_canaries(port)
        ) as sandbox,
    ):
        argv = ("python", "-I", "-S", "-c", _PROGRAM, argument)
        ran = await sandbox.run(Command(argv=argv))
    try:
        found = json.loads(ran.output)
    except ValueError:
        return [("gate", False, f"{ran.ending} {ran.exit_code}: {ran.text[-500:]}")]
    log = sorted((each.host, each.allowed) for each in ran.requests)
    is_complete = (NAMED, True) in log and len(log) == len(_EXPECTED) - 2
    reached = [line.split()[:1] for line in received]
    return [
        *((name, found[key] in right, str(found[key])) for key, (name, right) in _EXPECTED.items()),
        ("gate: every request is written down", is_complete, str(log)),
        ("gate: nothing else comes through", reached == [[b"GET"]], str(received)),
    ]


def _upstream_for_canaries(port: int) -> Upstream:
    """An Upstream with the usual refusals, except for the self-test's own server on ``port``."""

    async def lookup(name: str) -> Sequence[str]:
        return [_PRIVATE if name == REBOUND else "127.0.0.1"]

    def allow_own_server(address: Address, at: int) -> str:
        return "" if (str(address), at) == ("127.0.0.1", port) else find_objection(address, at)

    return Upstream(lookup=lookup, find_objection=allow_own_server)
