"""What GitHub lets a person do in the repositories that the App reaches too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WRITES = frozenset({"write", "maintain", "admin"})
_MAINTAINS = frozenset({"maintain", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryAccess:
    """A person's role in each repository, by its id, and the name by which the App is mentioned there."""

    roles: Mapping[int, str]
    slug: str = ""

    def may_write(self, repo_id: int) -> bool:
        """Whether their requests are carried out there."""
        return self.roles.get(repo_id, "") in _WRITES

    def may_maintain(self, repo_id: int) -> bool:
        """Whether they may release what is held back there."""
        return self.roles.get(repo_id, "") in _MAINTAINS

    def to_stored(self) -> dict[str, Any]:
        """As JSON for the session."""
        return {"slug": self.slug, "roles": {str(repo): role for repo, role in self.roles.items()}}


def load_access(stored: Mapping[str, Any]) -> RepositoryAccess:
    """What ``to_stored`` gave."""
    roles = {int(repo): str(role) for repo, role in stored["roles"].items()}
    return RepositoryAccess(roles=roles, slug=str(stored["slug"]))
