"""Reads that lag behind writes, as from a replica: for a while they show what was there before.

GitHub's own answers do so at times: a branch that was just pushed, a comment that was just written, is not
there yet, and what was changed looks as before. Off unless a test asks for it (``/_admin/lag``).
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Protocol, TypeVar

from localhub.git.store import GitStore
from localhub.state import State


class OldRefs(GitStore):
    """The repositories with their refs as they were; objects are what they are now."""

    def __init__(self, state: State, refs: dict[int, dict[str, str]]) -> None:
        super().__init__(state)
        self._refs = refs

    def refs(self, repo_id: int, prefix: str = "refs/") -> dict[str, str]:
        """Full names of refs below a prefix, and what they pointed to."""
        known = self._refs.get(repo_id, {})
        return {name: sha for name, sha in known.items() if name.startswith(prefix)}

    def ref(self, repo_id: int, name: str) -> str | None:
        """What a ref pointed to, by its full name."""
        return self._refs.get(repo_id, {}).get(name)

    def resolve(self, repo_id: int, name: str) -> str | None:
        """The commit of a branch, tag, ref or sha as it was."""
        refs = self._refs.get(repo_id, {})
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
            if candidate in refs:
                return super().resolve(repo_id, refs[candidate])
        is_sha = len(name) == 40 and all(letter in "0123456789abcdef" for letter in name)
        return super().resolve(repo_id, name) if is_sha else None


class Readable(Protocol):
    """A hub, as far as a snapshot is about it."""

    state: State
    git: GitStore


AnyHub = TypeVar("AnyHub", bound=Readable)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was there right before a write, and when (seconds since the epoch)."""

    at: float
    state: State
    git: GitStore


class Replicas:
    """What readers see: everything, or what was there ``seconds`` ago, by name where ``login`` is set."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.login: str | None = None
        self._snapshots: deque[Snapshot] = deque()

    def note_write(self, hub: Readable) -> None:
        """Keep what is there now, right before a write."""
        if not self.seconds:
            self._snapshots.clear()
            return
        state = hub.state.copy()
        repos = [row["id"] for row in state.all("SELECT id FROM repos")]
        refs = {repo_id: hub.git.refs(repo_id) for repo_id in repos}
        self._snapshots.append(Snapshot(hub.state.time(), state, OldRefs(state, refs)))

    def find_reader(self, hub: AnyHub, login: str) -> AnyHub:
        """The hub that a reader of this name sees now."""
        while self._snapshots and self._snapshots[0].at <= hub.state.time() - self.seconds:
            self._snapshots.popleft()
        if not self._snapshots or self.login not in (None, login):
            return hub
        seen, oldest = copy.copy(hub), self._snapshots[0]
        seen.state, seen.git = oldest.state, oldest.git
        return seen
