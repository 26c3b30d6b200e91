"""What every write of a run to GitHub needs: the repository, the record of writes, the redactor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain import Task
from bot.github.app import RepoApi
from bot.tasks.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishContext:
    """What one run publishes with. ``safe`` takes secrets out of whatever is written."""

    api: RepoApi
    effects: Effects
    task: Task
    safe: Callable[[str], str]
    run_url: str
