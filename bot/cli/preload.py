"""What the commands that serve import, for a process that is forked into several of them."""

from __future__ import annotations

from bot.cli import importing

with importing():
    from bot.cli import main
    from bot.serve import dashboard, web, worker

__all__ = ["dashboard", "main", "web", "worker"]
