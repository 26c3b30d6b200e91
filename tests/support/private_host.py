"""A host with a private address, and one way to it: two network namespaces with a cable between them.

Run below ``unshare --map-root-user --net``: ``python -m tests.support.private_host`` dials the host as the
gate does and prints what came of it, a line for each try.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from sandbox.egress.addresses import PolicyRefusal
from sandbox.egress.company import parse_private_hosts
from sandbox.egress.upstream import Upstream

HERE, THERE, PORT = "10.99.0.1", "10.99.0.2", 8080
_SERVER = """
import http.server, sys
sys.stdin.readline()
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from a private host")
    def log_message(self, *_):
        pass
server = http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Hello)
print("ready", flush=True)
server.serve_forever()
"""


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


def connect_namespaces(pid: int) -> None:
    """A cable from here into the network namespace of a process."""
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(pid))
    _run("ip", "addr", "add", f"{HERE}/24", "dev", "here")
    _run("ip", "link", "set", "here", "up")
    inside = ("nsenter", "--target", str(pid), "--net", "ip")
    _run(*inside, "addr", "add", f"{THERE}/24", "dev", "there")
    _run(*inside, "link", "set", "there", "up")


async def dial(address: str, private: str) -> str:
    """What a request to a host with this address comes to where the operator named ``private`` hosts."""

    async def lookup(_name: str) -> list[str]:
        return [address]

    upstream = Upstream(lookup=lookup, private=parse_private_hosts(private))
    try:
        reader, writer = await upstream.dial("pypi.corp.example", PORT, tls=False, seconds=20)
    except PolicyRefusal as refused:
        return refused.reason
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    return answer.rpartition("\r\n")[2]


def main() -> None:
    """Try the host as it is named, by another port, unnamed, and this machine by its own private address."""
    start = ["unshare", "--net", sys.executable, "-c", _SERVER, THERE, str(PORT)]
    with subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdin and server.stdout
            while _shares_network(server.pid):
                time.sleep(0.01)
            connect_namespaces(server.pid)
            server.stdin.write("\n")
            server.stdin.flush()
            server.stdout.readline()
            named, unnamed = f"pypi.corp.example:{PORT}", "pypi.corp.example,other.corp.example:8080"
            for address, private in ((THERE, named), (THERE, unnamed), (HERE, named)):
                print(asyncio.run(dial(address, private)))
        finally:
            server.kill()


def _shares_network(pid: int) -> bool:
    """Whether the process is still where this one is: ``unshare`` takes a moment."""
    return Path(f"/proc/{pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink()


if __name__ == "__main__":
    main()
