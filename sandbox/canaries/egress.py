"""The self-test's canaries of the network's gate: a sandbox that may reach one host, and tries others.

The world beyond the gate is a server of the self-test's own, on the loopback; nothing leaves the machine.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from sandbox.bwrap.sandbox import open_bwrap
from sandbox.egress.addresses import Address, objection
from sandbox.egress.client_environment import PORT
from sandbox.egress.upstream import Outside
from sandbox.spec import Command, Egress, Limits, Policy, Rule
from sandbox.toolchain import Toolchain

NAMED, OTHER, REBOUND = (f"{name}.canary.example.com" for name in ("named", "other", "rebound"))
_PRIVATE = "10.11.12.13"

# Prints one JSON object: name -> status of the answer, or the error's number.
_INSIDE = """
import json, socket, sys
host, other, rebound, gate, port = json.loads(sys.argv[1])
def asked(line):
    where = line.split()[1].split("//")[-1].split("/")[0]
    with socket.create_connection(("127.0.0.1", gate), 5) as client:
        client.sendall(f"{line} HTTP/1.1\\r\\nHost: {where}\\r\\n\\r\\n".encode())
        return int(client.recv(4096).split()[1] or 0)
def reached(address):
    try:
        socket.create_connection(address, 1).close()
    except OSError as error:
        return error.errno or -1
    return 0
print(json.dumps({
    "named": asked(f"GET http://{host}:{port}/"),
    "other": asked(f"GET http://{other}:{port}/"),
    "method": asked(f"POST http://{host}:{port}/"),
    "port": asked(f"CONNECT {host}:22"),
    "address": asked(f"GET http://127.0.0.1:{port}/"),
    "metadata": asked("GET http://169.254.169.254/latest/"),
    "rebound": asked(f"GET http://{rebound}:{port}/"),
    "around": reached(("192.0.2.1", 80)),
    "loopback": reached(("127.0.0.1", port)),
}))
"""
_HELD = {
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
    base: Path, tools: Toolchain, limits: Limits, scratch: Path, *, outside: Outside | None = None
) -> list[tuple[str, bool, str]]:
    """(name, held, detail) of each canary. Raises SandboxUnavailable.

    ``outside`` stands for the careful one; a careless one must be found out.
    """
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    rules = tuple(Rule(host=host, ports=(port,), methods=("GET",)) for host in (NAMED, REBOUND))
    policy = Policy(
        limits=limits, mounts=tools.mounts, path=tools.path, env=tools.env, egress=Egress(rules=rules)
    )
    words = json.dumps([NAMED, OTHER, REBOUND, PORT, port])
    async with (
        server,
        await open_bwrap(
            layers=[base], policy=policy, scratch=scratch, outside=outside or _careful(port)
        ) as sandbox,
    ):
        argv = ("python", "-I", "-S", "-c", _INSIDE, words)
        ran = await sandbox.run(Command(argv=argv))
    try:
        found = json.loads(ran.output)
    except ValueError:
        return [("gate", False, f"{ran.ending} {ran.exit_code}: {ran.text[-500:]}")]
    log = sorted((each.host, each.allowed) for each in ran.requests)
    told = (NAMED, True) in log and len(log) == len(_HELD) - 2
    reached = [line.split()[:1] for line in heard]
    return [
        *((name, found[key] in right, str(found[key])) for key, (name, right) in _HELD.items()),
        ("gate: every request is written down", told, str(log)),
        ("gate: nothing else comes through", reached == [[b"GET"]], str(heard)),
    ]


def _careful(port: int) -> Outside:
    """The world's rules, but for the self-test's own server."""

    async def lookup(name: str) -> Sequence[str]:
        return [_PRIVATE if name == REBOUND else "127.0.0.1"]

    def against(address: Address, at: int) -> str:
        return "" if (str(address), at) == ("127.0.0.1", port) else objection(address, at)

    return Outside(lookup=lookup, against=against)
