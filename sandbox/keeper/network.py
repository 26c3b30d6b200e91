"""A network namespace of the sandbox's own whose only way out is one listening socket; loaded by the keeper.

The keeper itself enters it before it starts anything, so that every command begins in it, and reaches what
another one serves there. Without a gate there is no socket, and so no way out. The socket on the loopback
goes to the worker, which accepts connections on it from outside: a socket stays in the namespace
that it was made in, whoever holds it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from sandbox.keeper import kernel

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_BACKLOG = 64


def namespace_id() -> int:
    """The number of the network namespace that this process is in."""
    return os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116 - the keeper starts without pathlib


def enter_namespace(port: int, outside: int) -> socket.socket | None:
    """Leave the namespace ``outside`` for an empty one, and listen there on the loopback's ``port``, if any.

    Raises OSError; after that, or when this process is still where it was, nothing may be run.
    """
    kernel.unshare(kernel.CLONE_NEWNET)
    if namespace_id() == outside:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), "network namespace")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16xh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[0]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    if not port:
        return None
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BACKLOG)
    return listener
