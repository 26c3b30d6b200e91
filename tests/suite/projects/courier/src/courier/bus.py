"""Publish and subscribe, by topics such as ``order.paid``; ``order.*`` and ``*`` are patterns."""

import asyncio
import inspect


class Bus:
    """Handlers are functions or coroutine functions of (topic, message)."""

    def __init__(self):
        self._handlers = {}
        self.errors = []

    def subscribe(self, pattern, handler):
        """Returns a function that ends it; a handler is there once for each pattern."""
        handlers = self._handlers.setdefault(pattern, [])
        if handler not in handlers:
            handlers.append(handler)

        def stop():
            if handler in handlers:
                handlers.remove(handler)

        return stop

    def handlers(self, topic):
        """Those whose pattern fits, in the order of subscription within a pattern."""
        found = []
        for pattern, handlers in self._handlers.items():
            if fits(pattern, topic):
                found.extend(handlers)
        return found

    async def publish(self, topic, message):
        """Call all handlers side by side; returns how many succeeded. Errors are kept in ``errors``."""
        calls = [self._call(handler, topic, message) for handler in self.handlers(topic)]
        return sum(await asyncio.gather(*calls))

    async def _call(self, handler, topic, message):
        try:
            result = handler(topic, message)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            self.errors.append((topic, error))
            return False
        return True

    async def wait_for(self, pattern, seconds=None):
        """The next (topic, message) that fits. Raises TimeoutError."""
        future = asyncio.get_running_loop().create_future()

        def take(topic, message):
            if not future.done():
                future.set_result((topic, message))

        stop = self.subscribe(pattern, take)
        try:
            return await asyncio.wait_for(future, seconds)
        finally:
            stop()


def fits(pattern, topic):
    """``*`` stands for one part; as the last part, for one or more."""
    wanted, given = pattern.split("."), topic.split(".")
    if wanted[-1] == "*":
        if len(given) < len(wanted):
            return False
        given = given[: len(wanted)]
    if len(wanted) != len(given):
        return False
    return all(one in ("*", other) for one, other in zip(wanted, given, strict=True))
