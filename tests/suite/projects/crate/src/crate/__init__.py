"""Keep things: caches, documents, settings."""

from crate.cache import Cache, cached
from crate.settings import Settings
from crate.store import Conflict, Store

__all__ = ["Cache", "Conflict", "Settings", "Store", "cached"]
