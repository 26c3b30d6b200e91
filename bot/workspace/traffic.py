"""What the sandboxes of one run sent and received together: the setup's, the agent's, the checks'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.domain import Traffic
from bot.text.redact import Redactor
from sandbox.spec import MiB, NetworkRequest

RUN_BYTES = 4096 * MiB  # both ways together, beside what each sandbox may use by itself
USED_UP = "the network bytes of this run are used up"
MOST_HOSTS = 50  # that are counted one by one
OTHERS = "other hosts"


class RunTraffic:
    """A count by host, which all sandboxes of a run share. Once ``most_bytes`` are used it is used up."""

    def __init__(self, most_bytes: int = RUN_BYTES) -> None:
        self._left = most_bytes
        self._hosts: dict[str, Traffic] = {}

    @property
    def is_used_up(self) -> bool:
        """Whether no sandbox of the run is to reach anything any more."""
        return self._left <= 0

    def count(self, requests: Iterable[NetworkRequest]) -> None:
        """Add requests; those that were refused carried nothing."""
        for request in requests:
            if request.allowed:
                self._left -= request.sent + request.received
                self._add(
                    Traffic(host=request.host, requests=1, sent=request.sent, received=request.received)
                )

    def add(self, other: RunTraffic) -> None:
        """Add what another one counted."""
        for each in other._hosts.values():
            self._left -= each.sent + each.received
            self._add(each)

    def list_hosts(self, redactor: Redactor) -> tuple[Traffic, ...]:
        """What went to each host and came from it so far, most sent first."""
        found = sorted(self._hosts.values(), key=lambda each: -each.sent)
        return tuple(replace(each, host=redactor.text(each.host)) for each in found)

    def _add(self, more: Traffic) -> None:
        host = more.host if more.host in self._hosts or len(self._hosts) < MOST_HOSTS else OTHERS
        so_far = self._hosts.get(host, Traffic(host=host))
        self._hosts[host] = Traffic(
            host=host,
            requests=so_far.requests + more.requests,
            sent=so_far.sent + more.sent,
            received=so_far.received + more.received,
        )
