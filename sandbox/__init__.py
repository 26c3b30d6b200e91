"""Runs code that nobody trusts in a sandbox: ``open_sandbox`` with a policy. Imports nothing of ``bot``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.bwrap.host_checks import suggest_docker
from sandbox.spec import Policy, PolicyUnmet, SandboxUnavailable
from sandbox.spec import Sandbox as Sandbox

if TYPE_CHECKING:
    from sandbox.egress.upstream import Upstream

BACKENDS = ("bwrap", "docker")


async def open_sandbox(
    *,
    layers: Sequence[Path],
    policy: Policy,
    scratch: Path,
    backend: str = "auto",
    upstream: Upstream | None = None,
) -> Sandbox:
    """Open a sandbox whose workspace shows ``layers`` (top first, never written) below a private layer.

    ``scratch`` is a directory for what cannot be kept in memory; ``backend`` is one of BACKENDS or ``auto``,
    which is bwrap, and where that cannot work an error that says why and whether docker is at hand.
    ``upstream`` is how the gate of a policy with ``egress`` connects to hosts; None is the internet.
    Raises SandboxUnavailable, which says how to mend it; never returns less isolation than the policy's.
    """
    if backend not in ("auto", *BACKENDS):
        raise SandboxUnavailable(
            f"there is no sandbox backend {backend!r}", f"use auto or {', '.join(BACKENDS)}"
        )
    if policy.egress is not None and backend not in ("auto", "bwrap"):
        raise PolicyUnmet(
            f"the {backend} backend has no way out to the network", "use bwrap, or leave `egress` out"
        )
    if backend == "docker":
        from sandbox.docker.sandbox import open_docker

        return await open_docker(layers=layers, policy=policy, scratch=scratch)
    from sandbox.bwrap.sandbox import open_bwrap

    try:
        return await open_bwrap(layers=layers, policy=policy, scratch=scratch, upstream=upstream)
    except SandboxUnavailable as error:
        if backend != "auto":
            raise
        raise SandboxUnavailable(error.reason, f"{error.mend}; {suggest_docker(policy.engine)}") from error
