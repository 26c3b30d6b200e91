"""Output with a ceiling: the first and the last of it are kept, the middle is only counted."""

from __future__ import annotations

from collections.abc import Callable


class Capture:
    """Collects at most ``cap`` bytes of a stream of any length; memory stays below twice ``cap``.

    ``on_output`` sees the stream as it comes, but never more than ``cap`` bytes of it.
    """

    def __init__(self, cap: int, on_output: Callable[[bytes], None] | None = None) -> None:
        self._on_output = on_output
        self._cap = cap
        self._head_size = cap // 2
        self._tail_size = cap - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        if self._on_output is not None and self.total < self._cap:
            self._on_output(data[: self._cap - self.total])
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
        """How many bytes of the middle are not kept."""
        return self.total - len(self._head) - len(self._tail)

    @property
    def kept(self) -> bytes:
        """Head and tail; between them one line that says how much is missing, if anything is."""
        if not self.omitted:
            return bytes(self._head + self._tail)
        gap = b"\n[... %d bytes left out ...]\n" % self.omitted
        return gap.join((self._head, self._tail))
