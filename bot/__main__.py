"""``python -m bot`` is the same as ``hob``: the command line in ``bot/cli``."""

from __future__ import annotations

from bot.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
