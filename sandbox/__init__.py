"""Containment of code that nobody trusts: policy in, results out. Knows nothing of what it is used for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.spec import Policy, SandboxUnavailable
from sandbox.spec import Sandbox as Sandbox

if TYPE_CHECKING:
    from sandbox.egress.outside import Outside

BACKENDS = ("bwrap",)


async def open_sandbox(
    *,
    layers: Sequence[Path],
    policy: Policy,
    scratch: Path,
    backend: str = "auto",
    outside: Outside | None = None,
) -> Sandbox:
    """A sandbox whose workspace shows ``layers`` (top first, never written) below a private, empty layer.

    ``scratch`` is a directory for what cannot be kept in memory; ``backend`` is one of BACKENDS or ``auto``.
    ``outside`` is how the gate of a policy with ``egress`` reaches the world; None is the internet.
    Raises SandboxUnavailable, which says how to mend it; never returns less isolation than the policy's.
    """
    if backend not in ("auto", *BACKENDS):
        raise SandboxUnavailable(
            f"there is no sandbox backend {backend!r}", f"use auto or {', '.join(BACKENDS)}"
        )
    if policy.egress is not None and backend not in ("auto", "bwrap"):
        raise SandboxUnavailable(
            f"the {backend} backend has no way out to the network", "use bwrap, or leave `egress` out"
        )
    from sandbox.bwrap import open_bwrap

    return await open_bwrap(layers=layers, policy=policy, scratch=scratch, outside=outside)
