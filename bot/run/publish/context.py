"""What everything that a run writes on GitHub needs: the repository, the record of writes, the last look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain import Task
from bot.github.app import RepoApi
from bot.tasks.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishContext:
    """One run's way to speak. ``safe`` takes secrets out of whatever is written."""

    api: RepoApi
    effects: Effects
    task: Task
    safe: Callable[[str], str]
    run_url: str
