"""A cache of limited size whose entries grow old."""

import functools
import time
from collections import OrderedDict
from dataclasses import dataclass

MISSING = object()


@dataclass
class Counts:
    """How a cache was used."""

    hits: int = 0
    misses: int = 0
    dropped: int = 0

    @property
    def rate(self):
        """Hits among all look-ups, 0.0 before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class Cache:
    """At most ``size`` entries, the least recently used goes first; ``ttl`` in seconds, None for ever."""

    def __init__(self, size=128, ttl=None, clock=time.monotonic):
        if size < 1:
            raise ValueError("a cache holds one entry at least")
        self.size = size
        self.ttl = ttl
        self.counts = Counts()
        self._clock = clock
        self._entries = OrderedDict()

    def get(self, key, default=None):
        """The value, which becomes the most recently used one."""
        entry = self._entries.get(key)
        if entry is None or self._old(entry):
            self._entries.pop(key, None)
            self.counts.misses += 1
            return default
        self._entries.move_to_end(key)
        self.counts.hits += 1
        return entry[0]

    def put(self, key, value):
        """Store a value; it is the most recently used one."""
        self._entries[key] = (value, self._clock())
        self._entries.move_to_end(key)
        while len(self._entries) > self.size:
            self._entries.popitem(last=False)
            self.counts.dropped += 1

    def _old(self, entry):
        return self.ttl is not None and self._clock() - entry[1] >= self.ttl

    def __len__(self):
        return len(self._entries)

    def __contains__(self, key):
        """Whether ``get`` would find it; this is no use of it."""
        entry = self._entries.get(key)
        return entry is not None and not self._old(entry)

    def keys(self):
        """From the least to the most recently used."""
        return list(self._entries)

    def sweep(self):
        """Throw out what is too old; returns how many entries."""
        old = [key for key, entry in self._entries.items() if self._old(entry)]
        for key in old:
            del self._entries[key]
        return len(old)

    def forget(self, prefix):
        """Throw out the string keys that begin with ``prefix``; returns how many."""
        gone = 0
        for key in list(self._entries):
            if isinstance(key, str) and key.startswith(prefix):
                del self._entries[key]
                gone += 1
        return gone


def cached(size=128, ttl=None, clock=time.monotonic):
    """Decorate a function so that its results are kept, by its arguments; None is a result too."""

    def decorate(function):
        cache = Cache(size, ttl, clock)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = (args, tuple(sorted(kwargs.items())))
            value = cache.get(key, MISSING)
            if value is MISSING:
                value = function(*args, **kwargs)
                cache.put(key, value)
            return value

        wrapper.cache = cache
        return wrapper

    return decorate


def loaders(sources, load):
    """{name: function without arguments that loads that source once}."""
    made = {}
    for name, source in sources.items():

        @cached(size=1)
        def read(source=source):
            return load(source)

        made[name] = read
    return made
