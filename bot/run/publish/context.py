"""What every write of a run to GitHub needs: the repository, the record of writes, the redactor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain import Task
from bot.github.app import RepoApi
from bot.tasks.effects import Effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is on this GitHub, as commits need it."""

    login: str
    id: int
    email_domain: str

    @property
    def author(self) -> tuple[str, str]:
        """Name and e-mail of the commits' author."""
        return self.login, f"{self.id}+{self.login}@{self.email_domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishContext:
    """What one run publishes with. ``safe`` takes secrets out of whatever is written."""

    api: RepoApi
    effects: Effects
    task: Task
    identity: Identity
    safe: Callable[[str], str]
    run_url: str
