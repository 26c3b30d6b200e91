"""Stop asking a service that is down: a circuit breaker."""

import time


class Open(Exception):
    """Not asked: the service failed too often a short while ago."""


class Breaker:
    """Opens after ``failures`` in a row; after ``rest`` seconds a single try is let through."""

    def __init__(self, failures=3, rest=60.0, clock=time.monotonic):
        self.failures = failures
        self.rest = rest
        self._clock = clock
        self._count = 0
        self._since = None

    @property
    def state(self):
        """``closed`` (all is well), ``open`` or ``half-open``."""
        if self._since is None:
            return "closed"
        return "half-open" if self._clock() - self._since >= self.rest else "open"

    async def call(self, action):
        """Await ``action()``. Raises Open without asking, or what the action raises."""
        if self.state == "open":
            raise Open(f"closed again in {self.rest - (self._clock() - self._since):.0f} s")
        try:
            result = await action()
        except Exception:
            self._fail()
            raise
        self._count = 0
        self._since = None
        return result

    def _fail(self):
        self._count += 1
        if self._count >= self.failures:
            self._since = self._clock()
