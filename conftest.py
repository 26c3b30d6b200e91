"""Loaded before all tests: while they are imported and collected, the garbage collector rests.

All of it stays until the end; ``tests/conftest.py`` has the collector work again once everything is there.
"""

from __future__ import annotations

import gc

gc.disable()
