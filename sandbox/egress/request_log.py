"""What went through the gate: one record a request, as data, bounded."""

from __future__ import annotations

import time

from sandbox.egress.addresses import Refused
from sandbox.spec import Egress, Request

MOST_RECORDS = 1000


class Log:
    """The records since they were last taken, and the bytes of the sandbox's whole life."""

    def __init__(self, egress: Egress) -> None:
        self._left = egress.total_bytes
        self._records: list[Request] = []
        self._omitted = 0

    def spend(self, count: int) -> None:
        """Count bytes before they are passed on. Raises Refused when the sandbox has had its share."""
        if count > self._left:
            self._left = 0
            raise Refused("the network bytes of this sandbox are used up")
        self._left -= count

    def add(self, record: Request) -> None:
        """Keep a record; the latest refusals push out the oldest of what was served, never the reverse."""
        if len(self._records) < MOST_RECORDS:
            self._records.append(record)
            return
        self._omitted += 1
        if not record.allowed:
            served = next((index for index, old in enumerate(self._records) if old.allowed), None)
            if served is not None:
                del self._records[served]
                self._records.append(record)

    def take(self) -> tuple[tuple[Request, ...], int]:
        """The records and how many more there were; begins anew."""
        taken = tuple(self._records), self._omitted
        self._records, self._omitted = [], 0
        return taken


class Entry:
    """A record while its request is under way."""

    def __init__(self, log: Log, host: str = "", port: int = 0) -> None:
        self._log = log
        self._closed = False
        self.host, self.port, self.method = host, port, ""
        self.sent = self.received = 0
        self._begun = time.monotonic()

    def count(self, size: int, out: bool) -> None:
        """Bytes to the host (``out``) or from it. Raises Refused."""
        self._log.spend(size)
        if out:
            self.sent += size
        else:
            self.received += size

    def close(self, reason: str = "", *, allowed: bool = True, remedy: str = "") -> None:
        """Write it down, once. Names come from inside: what is no printable ASCII is replaced."""
        if self._closed:
            return
        self._closed = True
        self._log.add(
            Request(
                host=_shown(self.host),
                port=self.port,
                method=_shown(self.method)[:32],
                allowed=allowed,
                reason=reason,
                sent=self.sent,
                received=self.received,
                remedy=remedy,
                milliseconds=round((time.monotonic() - self._begun) * 1000),
            )
        )


def _shown(text: str) -> str:
    return "".join(char if "!" <= char <= "~" else "?" for char in text[:253])
