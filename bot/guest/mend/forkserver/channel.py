"""JSON lines over two file descriptors: how the controller and the fork server talk."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any


class Channel:
    """One end of the line. Messages are JSON objects, one per line."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self.read_fd = read_fd
        self.write_fd = write_fd
        self._buffer = b""

    def send(self, **message: Any) -> None:
        """Write one message; raises BrokenPipeError when the other end is gone."""
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.write_fd, data) :]

    def receive(self, seconds: float | None = None) -> dict[str, Any] | None:
        """The next message, None at the end of the stream; raises TimeoutError after ``seconds``."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while b"\n" not in self._buffer:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([self.read_fd], [], [], left)[0]:
                    raise TimeoutError
            chunk = os.read(self.read_fd, 1 << 16)
            if not chunk:
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Close both descriptors."""
        for fd in {self.read_fd, self.write_fd}:
            os.close(fd)
