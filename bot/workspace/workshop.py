"""Makes checkouts: mirrors, shared layers and the toolchain below one state directory.

A checkout is never copied. ``bot.git.mirror`` writes a commit's tree once, ``bot.workspace.setup`` runs the
repository's setup command as seldom as it can, and each sandbox then opens over both in milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cachetools import TTLCache

from bot.agent.tools.context import OWN_WEIGHTS
from bot.agent.tools.registry import list_guest_mounts, list_weights_mounts
from bot.domain import Blocked, TreeFacts
from bot.errors import UserError
from bot.git.checkout import NO_HISTORY, History
from bot.git.linked.content import LinkedContent, LinkedSurvey
from bot.git.mirror import Mirror
from bot.repo_config import DEVCONTAINERS, RepoConfig, find_devcontainer_image, read_repo_config
from bot.repo_config import PATH as CONFIG_PATH
from bot.text.redact import Redactor
from bot.workspace.agents_md import read_guides
from bot.workspace.check_commands import find_check_commands
from bot.workspace.checkout import Checkout, KeptRuns
from bot.workspace.disk_cache import DiskCache
from bot.workspace.find_checks.tree import Tree, list_manifests
from bot.workspace.network import (
    CommandScreen,
    CommandSlots,
    NetworkObserver,
    merge_blocked,
    merge_egress,
    render_forbidden,
)
from bot.workspace.protected_links import list_linked_patterns
from bot.workspace.python_project import (
    PROJECTS,
    PythonProject,
    list_import_roots,
    list_python_projects,
    write_project_records,
)
from bot.workspace.setup import Setup, SetupInput
from bot.workspace.tree_facts import ENVIRONMENT_FILES, read_tree_facts
from sandbox.egress.upstream import Upstream
from sandbox.layers.store import LayerStore
from sandbox.spec import ENGINE, WORKSPACE, CommandResult, Egress, Limits, Mount, Policy
from sandbox.toolchain import build_toolchain

TUNED = "tuned"  # below the state directory: what `hob tune` wrote, shown in each sandbox
KEPT_RUN_TESTS = 200_000  # in all kept runs together: some 30 MB
KEPT_RUN_SECONDS = 3600.0  # that they are kept
MOST_HISTORY = 50  # commits in a sandbox, whatever hob.yml asks for

# Keep caches out of the tree, summaries on: a proof names the tests that fail.
ENV = (
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTEST_ADDOPTS", "-p no:cacheprovider -rfE"),
    ("COLUMNS", "100"),
    ("CI", "true"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
)
_T = TypeVar("_T")


@asynccontextmanager
async def run_beside(work: Coroutine[Any, Any, _T]) -> AsyncIterator[asyncio.Task[_T]]:
    """Run ``work`` while the block does something else. It has ended when the block has, whatever happens."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _choose_history(config: RepoConfig, diff_base: str) -> History:
    return History(depth=min(config.history, MOST_HISTORY), base=diff_base)


class Workshop:
    """Makes checkouts below one state directory: mirrors, layers, the toolchain that is shown inside."""

    def __init__(
        self,
        home: Path,
        *,
        backend: str = "auto",
        limits: Limits | None = None,
        image: str = "",
        engine: str = ENGINE,
        upstream: Upstream | None = None,
        internet: bool = True,
        commands: int | None = None,
        observe_command: Callable[[CommandResult, float], None] | None = None,
        cache_bytes: int | None = None,
    ) -> None:
        self._slots = CommandSlots(commands, observe_command) if commands else None
        self._kept_runs: KeptRuns = TTLCache(KEPT_RUN_TESTS, KEPT_RUN_SECONDS, getsizeof=lambda kept: kept[0])
        # By what nothing is let out, whatever repositories ask for; '' where that is theirs to say.
        self._internet_off_by = "" if internet else "HOB_INTERNET"
        self._screen: CommandScreen | None = None
        self.mirror = Mirror(home / "mirrors")
        self.linked = LinkedContent(self.mirror)
        self.layers = LayerStore(home / "layers")
        self.scratch = home / "scratch"
        self.backend = backend
        self.upstream = upstream
        tools = build_toolchain(home / "layers")
        self.disk_cache = DiskCache(
            home,
            self.mirror,
            self.layers,
            most_bytes=cache_bytes,
            pinned=tuple(mount.source for mount in tools.mounts),
        )
        self.policy = Policy(
            limits=limits or Limits(),
            mounts=(*tools.mounts, *list_guest_mounts(), *list_weights_mounts(home / TUNED)),
            path=tools.path,
            env=(*tools.env, *ENV),
            image=image,
            engine=engine,
        )

    async def checkout(
        self,
        repo_id: int,
        commit: str,
        redactor: Redactor,
        *,
        policy: str | None = None,
        foreign: bool = False,
        diff_base: str = "",
    ) -> Checkout:
        """The tree of ``commit`` under the configuration and guides of the commit ``policy``.

        The mirror must have both; ``policy`` is the default branch's when ``commit`` is of a branch that
        anybody else may have written. ``foreign``: the code is a fork's, and reaches what ``fork_internet``
        says alone. ``diff_base`` is a commit that ``git diff base`` in the sandbox compares with. Raises
        UserError for a bad hob.yml or setup.
        """
        policy = policy or commit
        tracked = await self.mirror.tree_objects(repo_id, commit)
        if not tracked:
            raise UserError(
                "The repository has no files yet, so there is nothing to work on.", phase="prepare"
            )
        written = await self.mirror.read_file(repo_id, policy, CONFIG_PATH)
        config = await read_repo_config(written)
        if config.image is None:
            config = config.model_copy(update={"image": await self._read_devcontainer_image(repo_id, policy)})
        linked_patterns = {
            pattern
            for sha in {commit, policy}
            for pattern in await list_linked_patterns(self.mirror, repo_id, sha)
        }
        protected = (*config.protected_paths, *sorted(linked_patterns))
        config = config.model_copy(update={"protected_paths": protected})
        denied: tuple[Blocked, ...] = ()
        if self._internet_off_by:
            denied = render_forbidden(self._internet_off_by, config.internet, config.setup_internet)
            nothing = dict.fromkeys(("internet", "setup_internet", "fork_internet"), "off")
            config = config.model_copy(update=nothing)
        trusted = config
        if foreign:
            config = config.model_copy(update={"internet": config.fork_internet, "setup_internet": "off"})
        linked = await self.linked.survey(repo_id, commit)
        trees = self._lay_trees(repo_id, commit, linked, _choose_history(config, diff_base))
        async with run_beside(trees) as laying:
            # What strangers' files declare is read in threads: a megabyte of TOML takes seconds.
            wanted = await asyncio.to_thread(list_manifests, tracked)
            manifests = await self.mirror.read_files(repo_id, commit, wanted)
            tree = await asyncio.to_thread(Tree, tracked, manifests.get)
            projects = await asyncio.to_thread(list_python_projects, tree)
            plain = Checkout(
                repo=self.mirror.path(repo_id),
                base=commit,
                config=config,
                checks=await asyncio.to_thread(find_check_commands, config, tree),
                guides=await read_guides(self.mirror, repo_id, policy),
                policy=replace(
                    await self._show_projects(
                        repo_id, commit, tree, projects, installed=config.setup is not None
                    ),
                    egress=merge_egress(config.internet),
                ),
                facts=await self._read_facts(repo_id, commit, policy, tree, projects, config, linked),
                layers=await laying,
                scratch=self.scratch,
                backend=self.backend,
                upstream=self.upstream,
                kept_runs=self._kept_runs,
                slots=self._slots,
                screen=self._screen,
                blocked=denied,
                foreign=foreign,
            )
        return await self._add_setup_layer(plain, repo_id, tracked, policy, trusted, redactor)

    @property
    def has_tuned_weights(self) -> bool:
        """Whether the offline engine goes by weights that ``hob tune`` wrote."""
        return any(each.target == OWN_WEIGHTS for each in self.policy.mounts)

    def with_weights(self, folder: Path | None) -> Workshop:
        """The same workshop, with the offline engine's weights of another folder; None: Hob's own."""
        other = copy(self)
        mounts = [each for each in self.policy.mounts if each.target != OWN_WEIGHTS]
        more = list_weights_mounts(folder) if folder else ()
        other.policy = replace(self.policy, mounts=(*mounts, *more))
        return other

    def without_internet(self, by: str) -> Workshop:
        """The same workshop, but that nothing is let out, ``by`` what the operator has set so."""
        closed = copy(self)
        closed._internet_off_by = self._internet_off_by or by
        return closed

    def with_screen(self, screen: CommandScreen) -> Workshop:
        """The same workshop, but that people see on ``screen`` what its sandboxes' commands print."""
        shown = copy(self)
        shown._screen = screen
        return shown

    async def read_history_depth(self, repo_id: int, policy: str) -> int:
        """How many commits the configuration of the commit ``policy`` wants in the sandbox, bounded.

        Raises UserError for a bad hob.yml.
        """
        config = await read_repo_config(await self.mirror.read_file(repo_id, policy, CONFIG_PATH))
        return _choose_history(config, "").depth

    async def _lay_trees(
        self, repo_id: int, commit: str, linked: LinkedSurvey, history: History = NO_HISTORY
    ) -> tuple[Path, ...]:
        """The tree of a commit and its history as far as wanted, below its submodules and LFS content."""
        key = f"base-{repo_id}-{commit}"
        if history != NO_HISTORY:
            there = await self.mirror.list_history(repo_id, commit, history.depth)
            key += f"-{len(there)}-{history.base}"
        base = await self.layers.layer(
            key, lambda into: self.mirror.materialise(repo_id, commit, into, history)
        )
        if not linked.digest:
            return (base,)
        above = await self.layers.layer(
            f"linked-{repo_id}-{commit}-{linked.digest}",
            lambda into: self.linked.write(repo_id, linked, into),
        )
        return above, base

    async def _show_projects(
        self,
        repo_id: int,
        commit: str,
        tree: Tree,
        projects: Sequence[PythonProject],
        *,
        installed: bool,
    ) -> Policy:
        """Python code is importable from where it lies; without a setup its records are shown as well."""
        roots = await asyncio.to_thread(list_import_roots, tree, projects)
        folders = [f"{WORKSPACE}/{root}" for root in roots]
        mounts, path = self.policy.mounts, self.policy.path
        if projects and not installed:

            async def build(into: Path) -> None:
                for at, project in enumerate(projects):
                    await asyncio.to_thread(write_project_records, project, into / str(at))

            records = await self.layers.layer(f"projects-{repo_id}-{commit}", build)
            mounts = (*mounts, Mount(source=records, target=PROJECTS))
            folders += [f"{PROJECTS}/{at}" for at in range(len(projects))]
            path = (*path, *(f"{PROJECTS}/{at}/bin" for at in range(len(projects))))
        if not folders:
            return self.policy
        env = (*self.policy.env, ("PYTHONPATH", ":".join(folders)))
        return replace(self.policy, mounts=mounts, path=path, env=env)

    async def _read_facts(
        self,
        repo_id: int,
        commit: str,
        policy: str,
        tree: Tree,
        projects: Sequence[PythonProject],
        config: RepoConfig,
        linked: LinkedSurvey,
    ) -> TreeFacts:
        """What is known of the tree; what it says of its environment is the policy commit's."""
        believed = await self.mirror.read_files(repo_id, policy, ENVIRONMENT_FILES)
        return await asyncio.to_thread(
            read_tree_facts,
            tree,
            Tree(believed, believed.get),
            projects,
            lfs_files=linked.missing_files,
            submodules=linked.missing_modules,
            has_setup=config.setup is not None,
        )

    async def _read_devcontainer_image(self, repo_id: int, commit: str) -> str | None:
        """The image that a commit's devcontainer.json names."""
        texts = [await self.mirror.read_file(repo_id, commit, path) for path in DEVCONTAINERS]
        return next((image for text in texts if (image := find_devcontainer_image(text))), None)

    def _make_policy(self, paths: Mapping[str, str]) -> Policy:
        """For setup: a ``src`` layout is importable without being installed."""
        if not any(path.startswith("src/") and path.endswith(".py") for path in paths):
            return self.policy
        return replace(self.policy, env=(*self.policy.env, ("PYTHONPATH", "/workspace/src")))

    async def _add_setup_layer(
        self,
        plain: Checkout,
        repo_id: int,
        tracked: Mapping[str, str],
        policy: str,
        config: RepoConfig,
        redactor: Redactor,
    ) -> Checkout:
        """The checkout above what its setup command installs; ``config`` is what the default branch's own
        setup runs under, which a fork's code does not.
        """
        if config.setup is None:
            return plain
        reach = merge_egress(config.internet, config.setup_internet)
        near = merge_egress(plain.config.internet, plain.config.setup_internet)
        image = (config.image or self.policy.image) if self.backend == "docker" else ""
        at_home = replace(self.policy, egress=reach, image=image)
        setup = Setup(self.layers, repo_id, config.setup, at_home, redactor, denied=plain.blocked)

        def make_input(commit: str, files: Mapping[str, str], may: Egress | None) -> SetupInput:
            async def open_tree() -> NetworkObserver:
                layers = await self._lay_trees(repo_id, commit, await self.linked.survey(repo_id, commit))
                there = replace(self._make_policy(files), egress=may)
                foreign = plain.foreign and commit == plain.base
                on = replace(plain, layers=layers, policy=there, foreign=foreign)
                return await on.open(key="setup_internet", place="setup")

            return SetupInput(
                commit=commit, tracked=files, open=open_tree, place="" if may == reach else repr(may)
            )

        here = make_input(plain.base, tracked, near)
        trusted = here
        if policy != plain.base:
            trusted = make_input(policy, await self.mirror.tree_objects(repo_id, policy), reach)
        layer = await setup.layer(here, trusted)
        return replace(
            plain, layers=(layer.tree, *plain.layers), blocked=merge_blocked(plain.blocked, layer.blocked)
        )
