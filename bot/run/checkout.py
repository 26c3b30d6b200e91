"""A checkout that is never copied: a commit's tree, what setup added above it, and a private layer on top.

``git.mirror`` materialises a commit once; the repository's setup command runs once per commit and command;
each sandbox then opens over both in milliseconds.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.agent.tools import guest_mounts
from bot.errors import UserError
from bot.git.mirror import Mirror
from bot.redact import Redactor
from bot.repofile import DEVCONTAINERS, RepoConfig, devcontainer_image, parse
from bot.repofile import PATH as CONFIG_PATH
from bot.run.checks import Checks, find_checks
from sandbox import open_sandbox
from sandbox.frozen import NotFreezable, write_layer
from sandbox.spec import ENGINE, Command, Limits, Policy, Sandbox
from sandbox.toolchain import toolchain
from sandbox.workspace import LayerStore

# Keep caches out of the tree, summaries on: a proof names the tests that fail.
ENV = (
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTEST_ADDOPTS", "-p no:cacheprovider -rfE"),
    ("COLUMNS", "200"),
    ("CI", "true"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One commit of one repository, ready to be opened in any number of sandboxes.

    ``repo`` is the bare object store that has the commit; ``layers`` are read-only, topmost first.
    """

    repo: Path
    base: str
    config: RepoConfig
    checks: Checks
    guides: tuple[tuple[str, str], ...]
    layers: tuple[Path, ...]
    policy: Policy
    scratch: Path
    backend: str

    async def open(self) -> Sandbox:
        """A sandbox with a private layer over the shared ones."""
        return await open_sandbox(
            layers=self.layers,
            policy=replace(self.policy, image=self.config.image or self.policy.image),
            scratch=self.scratch,
            backend=self.backend,
        )


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
    ) -> None:
        self.mirror = Mirror(home / "mirrors")
        self.layers = LayerStore(home / "layers")
        self.scratch = home / "scratch"
        self.backend = backend
        tools = toolchain(home / "layers")
        self.policy = Policy(
            limits=limits or Limits(),
            mounts=(*tools.mounts, *guest_mounts()),
            path=tools.path,
            env=(*tools.env, *ENV),
            image=image,
            engine=engine,
        )

    async def checkout(
        self, repo_id: int, commit: str, redactor: Redactor, *, policy: str | None = None
    ) -> Checkout:
        """The tree of ``commit`` under the configuration and guides of the commit ``policy``.

        The mirror must have both; ``policy`` is the default branch's when ``commit`` is of a branch that
        anybody else may have written. Raises UserError for a bad hob.yml or setup.
        """
        policy = policy or commit
        paths = await self.mirror.tree_paths(repo_id, commit)
        if not paths:
            raise UserError(
                "The repository has no files yet, so there is nothing to work on.", phase="prepare"
            )
        config = parse(await self.mirror.read_file(repo_id, policy, CONFIG_PATH))
        if config.image is None:
            config = config.model_copy(update={"image": await self._devcontainer(repo_id, policy)})
        if config.internet != "off":
            raise UserError(
                f"`{CONFIG_PATH}`: `internet` other than `off` is not served yet.", phase="configuration"
            )
        manifests: dict[str, bytes | None] = {
            name: await self.mirror.read_file(repo_id, commit, name)
            for name in ("package.json", "Makefile")
            if name in paths
        }
        base = await self.layers.layer(
            f"base-{repo_id}-{commit}", lambda into: self.mirror.materialise(repo_id, commit, into)
        )
        plain = Checkout(
            repo=self.mirror.path(repo_id),
            base=commit,
            config=config,
            checks=find_checks(config, paths, manifests.get),
            guides=await self._guides(repo_id, policy),
            layers=(base,),
            policy=self._policy(paths),
            scratch=self.scratch,
            backend=self.backend,
        )
        return await self._with_setup(plain, redactor)

    async def _devcontainer(self, repo_id: int, commit: str) -> str | None:
        """The image that a commit's devcontainer.json names."""
        texts = [await self.mirror.read_file(repo_id, commit, path) for path in DEVCONTAINERS]
        return next((image for text in texts if (image := devcontainer_image(text))), None)

    async def _guides(self, repo_id: int, commit: str) -> tuple[tuple[str, str], ...]:
        """AGENTS.md files of a commit, the root's first."""
        paths = await self.mirror.tree_paths(repo_id, commit)
        found = sorted((p for p in paths if p == "AGENTS.md" or p.endswith("/AGENTS.md")), key=len)[:10]
        texts = [(path, await self.mirror.read_file(repo_id, commit, path)) for path in found]
        return tuple((path, text.decode("utf-8", "replace")) for path, text in texts if text)

    def _policy(self, paths: Sequence[str]) -> Policy:
        """A ``src`` layout is importable without being installed; nothing else depends on the tree."""
        if not any(path.startswith("src/") and path.endswith(".py") for path in paths):
            return self.policy
        return replace(self.policy, env=(*self.policy.env, ("PYTHONPATH", "/workspace/src")))

    async def _with_setup(self, plain: Checkout, redactor: Redactor) -> Checkout:
        """Run the setup command once per commit and command; its additions become a layer of their own."""
        setup = plain.config.setup
        if setup is None:
            return plain
        key = hashlib.sha256(f"{plain.base}\0{setup}".encode()).hexdigest()[:32]

        async def build(into: Path) -> None:
            sandbox = await plain.open()
            try:
                done = await sandbox.run(Command(argv=("bash", "-c", setup)))
                if not done.ok:
                    why = f"exit code {done.exit_code}" if done.exit_code is not None else done.ending.value
                    raise _setup_failed(setup, why, redactor.text(done.text[-3000:]))
                entries = await asyncio.to_thread(sandbox.entries)
            finally:
                await sandbox.aclose()
            try:
                await asyncio.to_thread(write_layer, entries, into)
            except NotFreezable as error:
                raise _setup_failed(setup, str(error), "") from None

        layer = await self.layers.layer(f"setup-{key}", build)
        return replace(plain, layers=(layer, *plain.layers))


def _setup_failed(setup: str, why: str, log: str) -> UserError:
    message = f"The setup command `{setup}` failed ({why}), so nothing was tried."
    return UserError(message, phase="setup", log=log)
