"""Output with a ceiling: the first and the last bytes are kept, those between are only counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


class Overflow:
    """A file that takes a stream up to a number of bytes; it is made when the first byte comes."""

    def __init__(self, path: Path, room: int) -> None:
        self.path = path
        self._room = room
        self._fd = -1

    @property
    def is_written(self) -> bool:
        """Whether the file was made."""
        return self._fd >= 0

    def write(self, data: bytes | bytearray) -> None:
        """Append the next piece, or as much of it as there is room for; nothing more after a full disk."""
        if self._fd < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._fd = os.open(self.path, flags, 0o644)
            os.fchmod(self._fd, 0o644)
        view = memoryview(data)[: self._room]
        self._room -= len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            self._room = 0

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._fd >= 0:
            os.close(self._fd)


class Capture:
    """Collects at most ``cap`` bytes of a stream of any length; memory stays below twice ``cap``.

    ``on_output`` sees the whole stream as it comes, and bounds itself what it keeps. ``overflow`` gets the
    whole, too, once it is over the cap.
    """

    def __init__(
        self,
        cap: int,
        on_output: Callable[[bytes], None] | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        self._on_output = on_output
        self._overflow = overflow
        self._cap = cap
        self._head_size = cap // 2
        self._tail_size = cap - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        """Add the next piece of the stream."""
        if self._on_output is not None and data:
            self._on_output(data)
        if self._overflow is not None and self.total + len(data) > self._cap:
            if not self._overflow.is_written:
                self._overflow.write(self._head + self._tail)
            self._overflow.write(data)
        self.total += len(data)
        room = self._head_size - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-self._tail_size :] if self._tail_size else b""
        if len(self._tail) > self._tail_size:
            del self._tail[: -self._tail_size]

    @property
    def omitted(self) -> int:
        """How many bytes of the middle were left out."""
        return self.total - len(self._head) - len(self._tail)

    @property
    def content(self) -> bytes:
        """Head and tail; between them, where bytes were left out, one line that says how many."""
        if not self.omitted:
            return bytes(self._head + self._tail)
        gap = b"\n[... %d bytes left out ...]\n" % self.omitted
        return gap.join((self._head, self._tail))
