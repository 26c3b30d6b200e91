"""Imported last by the process that others are forked from: its modules are garbage for none of them."""

from __future__ import annotations

import gc

# Else each child looks through all of them, and so copies them, at its first whole collection.
gc.freeze()
