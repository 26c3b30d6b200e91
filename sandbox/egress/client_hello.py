"""The name in a TLS ClientHello, read before anything is passed on.

RFC 8446 section 4.1.2, RFC 6066 section 3.
"""

from __future__ import annotations

from sandbox.egress.addresses import PolicyRefusal

MOST_BYTES = 64 * 1024

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ENCRYPTED_HELLO = 0, 0xFE0D


class _Fields:
    """Reads length-prefixed fields; a field that reaches beyond its frame is an error, never a short read."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise PolicyRefusal("a broken TLS greeting")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))

    def block(self, size: int) -> _Fields:
        """What follows a length of ``size`` bytes."""
        return _Fields(self.take(self.number(size)))


def read_client_hello(data: bytes) -> bytes | None:
    """The ClientHello's body out of the records in ``data``; None while some of it is still to come.

    Raises PolicyRefusal when it is not TLS.
    """
    body, at = b"", 0
    while len(data) - at >= 5:
        kind, major, length = data[at], data[at + 1], int.from_bytes(data[at + 3 : at + 5])
        if kind != _HANDSHAKE or major != 3 or not 0 < length <= 1 << 14:
            raise PolicyRefusal("not TLS")
        body += data[at + 5 : at + 5 + length]
        at += 5 + length
        if body and body[0] != _CLIENT_HELLO:
            raise PolicyRefusal("not TLS")
        if len(body) >= 4 and len(body) >= 4 + (size := int.from_bytes(body[1:4])):
            return body[4 : 4 + size]
    if data and (data[0] != _HANDSHAKE or data[1:2] not in (b"", b"\x03")):
        raise PolicyRefusal("not TLS")
    if len(data) > MOST_BYTES:
        raise PolicyRefusal("a TLS greeting without end")
    return None


def read_server_name(hello: bytes) -> str:
    """The one host name in a ClientHello, unchanged. Raises PolicyRefusal when there is none or several."""
    fields = _Fields(hello)
    fields.take(2 + 32)
    for size in (1, 2, 1):  # session, cipher suites, compression
        fields.block(size)
    extensions = fields.block(2)
    names: list[bytes] = []
    while extensions:
        kind, content = extensions.number(2), extensions.block(2)
        if kind == _ENCRYPTED_HELLO:
            raise PolicyRefusal("an encrypted TLS greeting, which hides the host")
        if kind == _SERVER_NAME:
            entries = content.block(2)
            while entries:
                if entries.number(1) != 0:
                    raise PolicyRefusal("a broken TLS greeting")
                names.append(entries.take(entries.number(2)))
    if len(names) != 1:
        raise PolicyRefusal("TLS without the host's name (SNI)")
    return names[0].decode("ascii", "replace")
