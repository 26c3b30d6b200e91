"""The tests. While they are imported and collected the garbage collector rests: all of that stays.

``tests/conftest.py`` has the collector work again once everything is there.
"""

from __future__ import annotations

import gc

gc.disable()
