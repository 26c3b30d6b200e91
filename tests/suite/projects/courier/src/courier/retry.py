"""Try again, with longer and longer pauses."""

import asyncio
from dataclasses import dataclass


class GaveUp(Exception):
    """Every try failed; ``tries`` is how many there were, ``last`` the last error."""

    def __init__(self, tries, last):
        super().__init__(f"gave up after {tries} tries: {last}")
        self.tries = tries
        self.last = last


@dataclass(frozen=True)
class Policy:
    """Times in seconds. ``retried`` are the errors after which it makes sense to try again."""

    tries: int = 3
    first: float = 1.0
    factor: float = 2.0
    longest: float = 30.0
    retried: tuple = (OSError,)

    def pause(self, number):
        """Before try ``number`` (from 1); there is none before the first."""
        if number <= 1:
            return 0.0
        return min(self.longest, self.first * self.factor ** (number - 2))

    def total(self):
        """All pauses together, when every try fails."""
        return sum(self.pause(number) for number in range(1, self.tries + 1))


async def retry(action, policy=None, sleep=asyncio.sleep):
    """Await ``action()`` until it succeeds. Raises GaveUp, or at once what is not to be retried."""
    policy = policy or Policy()
    last = None
    for number in range(1, policy.tries + 1):
        pause = policy.pause(number)
        if pause:
            await sleep(pause)
        try:
            return await action()
        except policy.retried as error:
            last = error
    raise GaveUp(policy.tries, last)
