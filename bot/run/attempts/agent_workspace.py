"""The workspace of one attempt: a sandbox for the agent, and the change set that it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.domain import ChangeSet
from bot.git.changes import change_set
from bot.run.prove.apply_changes import apply_changes
from bot.workspace.checkout import Checkout
from bot.workspace.network import NetworkObserver

ReadChanges = Callable[[], Awaitable[ChangeSet]]
RESCUE_SECONDS = 2.0  # for reading the workspace of an attempt that is stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What an interrupted attempt left: the records of its turns, and its workspace after the last."""

    history: Sequence[Mapping[str, Any]]
    changes: ChangeSet


class WorkspaceObserver(Protocol):
    """Whoever stores the workspace's state while an attempt is under way."""

    def watch(self, read_changes: ReadChanges, repo: Path) -> None:
        """Called once, before the first turn, with a function that reads what the workspace changes.

        ``repo`` is the object store that has the commit it is compared with.
        """
        ...

    def rescue(self, changes: ChangeSet) -> None:
        """The attempt is cut off in the middle of a turn, and this is what its workspace holds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWorkspace:
    """An open sandbox over a checkout."""

    sandbox: NetworkObserver
    checkout: Checkout

    async def read_changes(self) -> ChangeSet:
        """What differs from the checkout's commit now."""
        entries = await asyncio.to_thread(self.sandbox.entries)
        return await asyncio.to_thread(change_set, entries, repo=self.checkout.repo, base=self.checkout.base)


@asynccontextmanager
async def open_workspace(
    checkout: Checkout, *, observer: WorkspaceObserver | None, interrupted: Interrupted | None
) -> AsyncIterator[AgentWorkspace]:
    """A sandbox for the ``async with`` block, with the changes of an ``interrupted`` attempt in place.

    When the block is cancelled, what the workspace holds is given to ``observer``.
    """
    sandbox = await checkout.open()
    workspace = AgentWorkspace(sandbox=sandbox, checkout=checkout)
    try:
        if interrupted:
            await apply_changes(sandbox, interrupted.changes)
        if observer:
            observer.watch(workspace.read_changes, checkout.repo)
        yield workspace
    except asyncio.CancelledError:
        if observer:
            await _rescue(observer, workspace)
        raise
    finally:
        await sandbox.aclose()


async def _rescue(observer: WorkspaceObserver, workspace: AgentWorkspace) -> None:
    """Give the workspace's changes to the observer. Any error is ignored: the last turn's are stored."""
    with suppress(Exception):
        async with asyncio.timeout(RESCUE_SECONDS):
            observer.rescue(await workspace.read_changes())
