"""One commit, ready to be opened in sandboxes: its tree, what setup added, and a private layer on top."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.domain import Blocked, Traffic, TreeFacts
from bot.errors import UserError
from bot.repo_config import PATH as CONFIG_PATH
from bot.repo_config import RepoConfig
from bot.text.redact import Redactor
from bot.workspace.base_merge import BaseMerge
from bot.workspace.check_commands import CheckCommands
from bot.workspace.network import CommandScreen, CommandSlots, NetworkObserver
from bot.workspace.traffic import RunTraffic
from sandbox import open_sandbox
from sandbox.egress.upstream import Upstream
from sandbox.spec import Policy, PolicyUnmet

KeptRuns = MutableMapping[str, tuple[int, object]]  # how many tests and commands, and their runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One commit of one repository, ready to be opened in any number of sandboxes.

    ``repo`` is the bare object store that has the commit; ``layers`` are read-only, topmost first.
    ``blocked`` is what the operator denies and the setup could not reach; ``upstream`` how the network's gate
    reaches the world. The proof compares with ``before``, where that is another tree; ``base_merge``
    is set where the tree is a merge. ``kept_runs`` keeps what the checks found on trees, for all
    checkouts of a workshop (``bot.run.prove.kept_runs``).
    """

    repo: Path
    base: str
    config: RepoConfig
    checks: CheckCommands
    guides: tuple[tuple[str, str], ...]
    layers: tuple[Path, ...]
    policy: Policy
    scratch: Path
    backend: str
    blocked: tuple[Blocked, ...] = ()
    upstream: Upstream | None = None
    base_merge: BaseMerge | None = None
    before: Checkout | None = None
    foreign: bool = False  # the code is a fork's
    facts: TreeFacts = field(default_factory=TreeFacts)
    kept_runs: KeptRuns = field(default_factory=dict, compare=False, repr=False)
    slots: CommandSlots | None = None  # for commands, shared by all sandboxes of this worker
    screen: CommandScreen | None = None  # where people see what commands print
    traffic: RunTraffic = field(default_factory=RunTraffic, compare=False)  # of all sandboxes opened of it

    def list_traffic(self, redactor: Redactor) -> tuple[Traffic, ...]:
        """What its sandboxes, and those of the tree that it is compared with, reached so far, by host."""
        both = RunTraffic()
        for each in (self, self.before) if self.before else (self,):
            both.add(each.traffic)
        return both.list_hosts(redactor)

    def without_network(self) -> Checkout:
        """The same with nothing let out of its sandboxes, nor of those of the tree it is compared with."""
        before = self.before.without_network() if self.before else None
        config = self.config.model_copy(update=dict.fromkeys(("internet", "fork_internet"), "off"))
        return replace(self, config=config, policy=replace(self.policy, egress=None), before=before)

    async def open(self, *, key: str = "internet", place: str = "") -> NetworkObserver:
        """A sandbox with a private layer over the shared ones; ``key`` of hob.yml says what it may reach.

        ``place`` describes to users where its commands run.
        Raises UserError when this machine does not have what hob.yml asks for, and SandboxUnavailable.
        """
        try:
            sandbox = await open_sandbox(
                layers=self.layers,
                policy=replace(self.policy, image=self.config.image or self.policy.image),
                scratch=self.scratch,
                backend=self.backend,
                upstream=self.upstream,
            )
        except PolicyUnmet as unmet:
            where = f"`image` and `internet` of `{CONFIG_PATH}` say what is wanted"
            raise UserError(f"{unmet.reason}: {unmet.mend} ({where}).", phase="prepare") from None
        key = "fork_internet" if self.foreign else key
        return NetworkObserver(
            sandbox, key=key, slots=self.slots, screen=self.screen, place=place, traffic=self.traffic
        )
