"""Ports for programs that are about to be started."""

from __future__ import annotations

import errno
import random
import socket

# Below those that Linux gives to connections (ip_local_port_range, 32768 to 60999): one of these might take
# the port before the program listens. https://man7.org/linux/man-pages/man7/ip.7.html
_PORTS = range(20_000, 32_000)
_TRIES = 200


def find_free_port() -> int:
    """A port of the loopback that nothing listens on. Raises OSError when many in a row are taken."""
    for port in random.SystemRandom().sample(_PORTS, _TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(errno.EADDRINUSE, f"no port is free among {_TRIES} from {_PORTS.start} to {_PORTS.stop}")
