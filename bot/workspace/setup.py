"""What the repository's setup command installs, as read-only layers that many runs share.

A layer is made once per key: the command, the files it depends on (``locks.inputs``), what is in the sandbox,
and what it may reach. It is made on the default branch's commit and may then stand above any commit of which
all that is the same, so that nothing that a pull request's head says ever gets into what others use. A setup
whose result depends on more than that gets a layer per commit, and a head's own layers are its alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bot.causes.explain import explain_setup
from bot.domain import Blocked
from bot.errors import UserError
from bot.text.redact import Redactor
from bot.workspace import lockfiles
from bot.workspace.network import NetworkObserver, render_advice
from sandbox.layers.disposal import remove_tree
from sandbox.layers.freeze import NotFreezable
from sandbox.layers.store import LayerStore
from sandbox.spec import Command, Entry, Limits, Policy

TREE = "tree"
OpenSandbox = Callable[[], Awaitable[NetworkObserver]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupInput:
    """A commit that setup may run on: ``tracked`` are its files with their object names.

    ``place`` is set where its sandbox is another than the policy's, as for a fork's code.
    """

    commit: str
    tracked: Mapping[str, str]
    open: OpenSandbox
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupLayer:
    """What setup left: a directory to lay above the commit's, and what its command could not reach."""

    tree: Path
    blocked: tuple[Blocked, ...] = ()


class Setup:
    """One repository's setup command under one policy."""

    def __init__(
        self,
        layers: LayerStore,
        repo_id: int,
        command: str,
        policy: Policy,
        redactor: Redactor,
        *,
        denied: tuple[Blocked, ...] = (),
    ) -> None:
        self._layers = layers
        self._repo_id = repo_id
        self._command = command
        self._place = repr(replace(policy, limits=Limits()))
        self._redactor = redactor
        self._denied = denied  # by the operator, for every command

    async def layer(self, here: SetupInput, trusted: SetupInput) -> SetupLayer:
        """The layer for the commit ``here``; ``trusted`` is the default branch's, often the same.

        Raises UserError with the log when the command fails, for everybody who waits for it.
        """
        inputs = lockfiles.find_inputs(self._command, here.tracked)
        if inputs is not None and inputs == lockfiles.find_inputs(self._command, trusted.tracked):
            found = await self._find_shared_layer(inputs, trusted)
            if found is not None and lockfiles.fits_tree(_read_record(found)["roots"], here.tracked):
                return _as_layer(found)
        return _as_layer(await self._make_own_layer(here, here.commit == trusted.commit))

    async def _find_shared_layer(self, inputs: Mapping[str, str], trusted: SetupInput) -> Path | None:
        """The layer for all commits with these inputs; None when the command's result depends on more."""

        async def build(into: Path) -> None:
            made = await self._run(trusted, into)
            roots = await asyncio.to_thread(
                lockfiles.find_install_roots, made.entries, trusted.tracked, made.tree
            )
            _write_record(into, roots=roots, blocked=made.blocked)
            if roots is None:
                await self._make_own_layer(trusted, True, made)
                await asyncio.to_thread(remove_tree, made.tree)  # where there was one already

        found = await self._layers.layer(self._key("shared", json.dumps(inputs, sort_keys=True)), build)
        return found if _read_record(found)["roots"] is not None else None

    async def _make_own_layer(
        self, commit_input: SetupInput, trusted: bool, made: _SetupRun | None = None
    ) -> Path:
        """The layer of one commit. A head's and the default branch's are never the same one."""

        async def build(into: Path) -> None:
            if made is not None:
                made.tree.rename(into / TREE)
            blocked = (made or await self._run(commit_input, into)).blocked
            _write_record(into, roots=(), blocked=blocked)

        kind = "trusted" if trusted else "head"
        place = (commit_input.place,) if commit_input.place else ()
        return await self._layers.layer(self._key(kind, commit_input.commit, *place), build)

    def _key(self, *parts: str) -> str:
        text = "\0".join((str(self._repo_id), self._command, self._place, *parts))
        return f"setup-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:40]}"

    async def _run(self, commit_input: SetupInput, into: Path) -> _SetupRun:
        """Run the command; what it leaves is below ``into`` then."""
        tree = into / TREE
        tree.mkdir()
        sandbox = await commit_input.open()
        try:
            done = await sandbox.run(Command(argv=("bash", "-c", self._command)))
            blocked = sandbox.list_blocked(self._redactor)
            if not done.ok:
                why = f"exit code {done.exit_code}" if done.exit_code is not None else done.ending.value
                log = self._redactor.text(done.text[-3000:])
                cause = explain_setup(self._command, done.exit_code, log)
                raise self._report_failure(why, log, blocked, cause)
            try:
                entries = await asyncio.to_thread(sandbox.freeze, tree)
            except NotFreezable as error:
                raise self._report_failure(str(error), "", blocked) from None
            return _SetupRun(tree=tree, entries=entries, blocked=blocked)
        finally:
            await sandbox.aclose()

    def _report_failure(self, why: str, log: str, blocked: tuple[Blocked, ...], cause: str = "") -> UserError:
        message = f"The setup command `{self._command}` failed ({why}), so nothing was tried."
        hints = [f"By what it printed: {cause}."] if cause else []
        hints += [
            f"It could not reach `{item.where}` ({item.reason})"
            + (f"; {render_advice(item)}." if item.allow else ".")
            for item in (*self._denied, *blocked)[:10]
        ]
        return UserError("\n\n".join((message, *hints)), phase="setup", log=log)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SetupRun:
    tree: Path
    entries: list[Entry]
    blocked: tuple[Blocked, ...]


def _write_record(into: Path, *, roots: tuple[str, ...] | None, blocked: tuple[Blocked, ...] = ()) -> None:
    record = {"roots": roots, "blocked": [asdict(item) for item in blocked]}
    (into / "told.json").write_text(json.dumps(record), "utf-8")


def _read_record(layer: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((layer / "told.json").read_text("utf-8"))
    return record


def _as_layer(found: Path) -> SetupLayer:
    blocked = tuple(Blocked(**item) for item in _read_record(found)["blocked"])
    return SetupLayer(tree=found / TREE, blocked=blocked)
