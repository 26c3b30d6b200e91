"""The record of requests through the gate, bounded in number, and the sandbox's count of bytes."""

from __future__ import annotations

import time

from sandbox.egress.addresses import PolicyRefusal
from sandbox.spec import Egress, NetworkRequest

MOST_RECORDS = 1000


class RequestLog:
    """The records since the last ``take``, and the bytes left of the sandbox's network allowance."""

    def __init__(self, egress: Egress) -> None:
        self._left = egress.total_bytes
        self._records: list[NetworkRequest] = []
        self._omitted = 0
        self._shut = ""

    def shut(self, reason: str) -> None:
        """Refuse everything from now on."""
        self._shut = self._shut or reason

    def require_open(self) -> None:
        """Raises PolicyRefusal once the network was cut."""
        if self._shut:
            raise PolicyRefusal(self._shut)

    def spend(self, count: int) -> None:
        """Count bytes before they are forwarded. Raises PolicyRefusal when they exceed what is left."""
        self.require_open()
        if count > self._left:
            self._left = 0
            raise PolicyRefusal("the network bytes of this sandbox are used up")
        self._left -= count

    def add(self, record: NetworkRequest) -> None:
        """Add a record. When full, a refusal replaces the oldest allowed request; others are only counted."""
        if len(self._records) < MOST_RECORDS:
            self._records.append(record)
            return
        self._omitted += 1
        if not record.allowed:
            oldest = next((index for index, old in enumerate(self._records) if old.allowed), None)
            if oldest is not None:
                del self._records[oldest]
                self._records.append(record)

    def take(self) -> tuple[tuple[NetworkRequest, ...], int]:
        """The records and how many more there were; both start again from nothing."""
        records = tuple(self._records), self._omitted
        self._records, self._omitted = [], 0
        return records


class OpenRecord:
    """The record of a request that is under way."""

    def __init__(self, log: RequestLog, host: str = "", port: int = 0) -> None:
        self._log = log
        self._closed = False
        self.host, self.port, self.method = host, port, ""
        self.sent = self.received = 0
        self._begun = time.monotonic()

    def count(self, size: int, out: bool) -> None:
        """Count bytes to the host (``out``) or from it. Raises PolicyRefusal."""
        self._log.spend(size)
        if out:
            self.sent += size
        else:
            self.received += size

    def close(self, reason: str = "", *, allowed: bool = True, remedy: str = "") -> None:
        """Add the record to the log, once; characters that are not printable ASCII are replaced."""
        if self._closed:
            return
        self._closed = True
        self._log.add(
            NetworkRequest(
                host=_printable(self.host),
                port=self.port,
                method=_printable(self.method)[:32],
                allowed=allowed,
                reason=reason,
                sent=self.sent,
                received=self.received,
                remedy=remedy,
                milliseconds=round((time.monotonic() - self._begun) * 1000),
            )
        )


def _printable(text: str) -> str:
    return "".join(char if "!" <= char <= "~" else "?" for char in text[:253])
