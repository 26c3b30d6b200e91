"""``make chaos``: everything fails, against real processes, and a table says what came of it."""
