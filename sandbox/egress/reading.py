"""What a request may carry to a host that may only be read: a path, and the headers that reading takes.

A GET can carry data out as well as a POST: in a body, in credentials, in a header that names another method,
in a long query. Names of packages and of files can carry some too, which nothing here can tell from an honest
name; the bytes are counted for each sandbox (``Egress.total_bytes``).
"""

from __future__ import annotations

import h11

from sandbox.egress.addresses import PolicyRefusal
from sandbox.egress.http_messages import Target

READING = frozenset(["GET", "HEAD"])
LONGEST_TARGET = 2048  # bytes of path and query
LONGEST_VALUE = 512  # bytes of one header

_HEADERS = frozenset(
    b"accept accept-encoding accept-language cache-control connection content-length host if-match "
    b"if-modified-since if-none-match if-range if-unmodified-since keep-alive pragma proxy-connection range "
    b"te transfer-encoding user-agent".split()
)


def limit_to_reading(request: h11.Request, target: Target) -> h11.Request:
    """The request without the headers that reading does not take, credentials and cookies among them.

    For a host whose rules allow nothing but ``READING``. Raises PolicyRefusal for a body, and for a target or
    a header that is too long.
    """
    if any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in request.headers
    ):
        raise PolicyRefusal("a body in a request that only reads")
    if len(target.path) > LONGEST_TARGET:
        raise PolicyRefusal(f"an address longer than {LONGEST_TARGET} bytes, where only reading is allowed")
    kept = [(name, value) for name, value in request.headers if name in _HEADERS]
    if any(len(value) > LONGEST_VALUE for _, value in kept):
        raise PolicyRefusal(f"a header longer than {LONGEST_VALUE} bytes, where only reading is allowed")
    return h11.Request(
        method=request.method, target=request.target, headers=kept, http_version=request.http_version
    )
