"""How a run or a handler ends early. Any other exception is a bug."""

from __future__ import annotations


class HobError(Exception):
    """Root of Hob's own exceptions."""


class UserError(HobError):
    """The message is shown on GitHub unchanged, so it names the thing and how to correct it.

    ``may_pass``: the other side refused our credentials or did not find something, which may be over in a
    minute (it is being set up, or has an outage), so that it is asked again before this is said.
    ``phase`` names the part of the path that failed (``setup``, ``prove`` ...), ``log`` holds its last lines.
    """

    may_pass = False

    def __init__(self, message: str, *, phase: str = "", log: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.phase = phase
        self.log = log


class Retry(HobError):
    """Try the run again later; counts as one of its task's leases, since it may be our own doing.

    ``after`` is in seconds.
    """

    def __init__(self, reason: str, *, after: float = 30.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Parked(HobError):
    """Wait without using up a lease: a rate limit, a provider that is down. ``after`` is in seconds."""

    def __init__(self, reason: str, *, after: float = 60.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Outage(Retry):
    """The other side, or this machine, is away or broken: try again later, with growing pauses, without
    counting it as a failed try.

    ``after`` is the first pause in seconds.
    """

    def __init__(self, reason: str, *, after: float = 10.0) -> None:
        super().__init__(reason, after=after)


class LeaseLost(HobError):
    """Another worker holds the task now; stop at once and write nothing more."""


class Cancelled(HobError):
    """A person asked for the run to stop."""
