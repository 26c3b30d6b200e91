"""A network in a real sandbox: what programs inside can reach, and that the gate is their only way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.bwrap.sandbox import BwrapSandbox, open_bwrap
from sandbox.egress.client_environment import PORT
from sandbox.spec import Egress, Policy, Rule
from tests.support.egress import HOST, Internet, run_internet
from tests.support.sandbox import SMALL, base_layer, python

FETCH = """
import sys, urllib.request
request = urllib.request.Request({url!r}, method={method!r})
try:
    print(urllib.request.urlopen(request, timeout=60).read().decode(), end="")
except Exception as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


def fetch(url: str, method: str = "GET") -> str:
    return FETCH.format(url=url, method=method)


@asynccontextmanager
async def connected(tmp_path: Path, *rules: Rule, world: Internet) -> AsyncIterator[BwrapSandbox]:
    """A sandbox over the base layer with a gate to the world."""
    base = tmp_path / "base"
    policy = Policy(limits=SMALL, egress=Egress(rules=rules))
    sandbox = await open_bwrap(
        layers=[base if base.exists() else base_layer(tmp_path)],
        policy=policy,
        scratch=tmp_path / "scratch",
        upstream=world.upstream(),
    )
    async with sandbox:
        yield sandbox


async def test_a_program_inside_reaches_what_is_on_the_list(tmp_path: Path) -> None:
    async with run_internet() as world, connected(tmp_path, world.rule(HOST, "GET"), world=world) as sandbox:
        for url in (f"http://{HOST}:{world.plain}/a", f"https://{HOST}:{world.tls}/b"):
            done = await python(sandbox, fetch(url))
            assert (done.exit_code, done.text) == (0, "hello from outside\n"), done.text
            (request,) = done.requests
            assert request.allowed and request.method == "GET" and request.host == HOST
        assert sandbox.facts["network"] == "a gate on the host"


async def test_what_is_not_on_the_list_is_refused_and_told(tmp_path: Path) -> None:
    async with run_internet() as world, connected(tmp_path, world.rule(HOST, "GET"), world=world) as sandbox:
        for url, method in (
            (f"https://evil.com:{world.tls}/", "GET"),
            (f"http://169.254.169.254:{world.plain}/latest/meta-data/", "GET"),
            (f"https://{HOST}:{world.tls}/", "PUT"),
        ):
            done = await python(sandbox, fetch(url, method))
            assert done.exit_code == 1 and "403" in done.text
            (request,) = done.requests
            assert not request.allowed and request.reason
        assert world.heard == []


ATTACK = """
import errno, fcntl, json, os, socket, struct
found = {{}}
def attempt(name, what):
    try:
        what()
        found[name] = "worked"
    except OSError as error:
        found[name] = errno.errorcode.get(error.errno, str(error))
def dial(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        s.connect(address)
def say(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", address)
attempt("the server itself", lambda: dial(socket.AF_INET, ("127.0.0.1", {port})))
attempt("the server by v6", lambda: dial(socket.AF_INET6, ("::1", {port})))
attempt("mapped", lambda: dial(socket.AF_INET6, ("::ffff:127.0.0.1", {port})))
attempt("public", lambda: dial(socket.AF_INET, ("1.1.1.1", 443)))
attempt("metadata", lambda: dial(socket.AF_INET, ("169.254.169.254", 80)))
attempt("dns", lambda: say(("1.1.1.1", 53)))
attempt("name", lambda: socket.getaddrinfo("files.example.com", 443))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("take the port", lambda: socket.create_server(("127.0.0.1", {gate})))
def reuse():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", {gate}))
    s.listen()
attempt("share the port", reuse)
attempt("lo down", lambda: fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0)))
attempt("certificate", lambda: open("/etc/egress/ca.pem", "a"))
with socket.create_server(("127.0.0.1", 0)) as server:
    attempt("own loopback", lambda: dial(socket.AF_INET, server.getsockname()))
print(json.dumps(found))
"""


async def test_s48_the_gate_is_the_only_way_out(tmp_path: Path) -> None:
    async with run_internet() as world, connected(tmp_path, world.rule(), world=world) as sandbox:
        done = await python(sandbox, ATTACK.format(port=world.plain, gate=PORT))
        found = json.loads(done.text)
        assert found.pop("own loopback") == "worked"
        assert "worked" not in found.values(), found
        assert found["unix"] == found["netlink"] == found["raw"] == "EPERM"
        assert found["public"] == found["metadata"] == "ENETUNREACH"
        assert world.heard == [] and done.requests == ()


async def test_without_the_variables_there_is_no_network(tmp_path: Path) -> None:
    async with run_internet() as world, connected(tmp_path, world.rule(), world=world) as sandbox:
        bare = "import os\nfor name in list(os.environ): del os.environ[name]\n"
        done = await python(sandbox, bare + fetch(f"http://{HOST}:{world.plain}/"))
        assert done.exit_code == 1 and world.heard == []


async def test_a_policy_without_egress_has_no_gate(tmp_path: Path) -> None:
    async with await open_bwrap(
        layers=[base_layer(tmp_path)], policy=Policy(limits=SMALL), scratch=tmp_path / "scratch"
    ) as sandbox:
        look = "import os, socket\nprint([n for n in os.environ if 'proxy' in n.lower()])\n"
        done = await python(sandbox, f"{look}socket.create_connection(('127.0.0.1', {PORT}), 2)")
        assert done.text.startswith("[]") and "ConnectionRefusedError" in done.text
        assert sandbox.facts["network"] == "none"


async def test_two_sandboxes_have_two_networks(tmp_path: Path) -> None:
    async with (
        run_internet() as world,
        connected(tmp_path, world.rule(), world=world) as one,
        connected(tmp_path, Rule(host="nothing.example.org"), world=world) as two,
    ):
        url = f"http://{HOST}:{world.plain}/"
        assert (await python(one, fetch(url))).ok
        done = await python(two, fetch(url))
        assert not done.ok and not done.requests[0].allowed
        assert (await python(one, fetch(url))).ok


async def test_a_connection_ends_with_its_command(tmp_path: Path) -> None:
    """Also one that a daemon holds, and its record belongs to the command that made it."""
    async with run_internet() as world, connected(tmp_path, world.rule(), world=world) as sandbox:
        head = f"POST http://{HOST}:{world.plain}/ HTTP/1.1\r\nHost: {HOST}:{world.plain}\r\n"
        hold = f"""
import os, socket, time
s = socket.create_connection(("127.0.0.1", {PORT}))
s.sendall({head.encode()!r} + b"Content-Length: 9\\r\\n\\r\\nabc")
time.sleep(0.3)
if os.fork() == 0:
    time.sleep(60)
"""
        done = await python(sandbox, hold)
        assert done.seconds < 30  # the daemon would hold it for 60
        (request,) = done.requests
        assert request.method == "POST" and request.reason
        assert world.heard == []
        assert (await python(sandbox, "print(1)")).requests == ()
