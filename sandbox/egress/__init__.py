"""The way out to the network: a proxy on the host that forwards what the policy allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.egress.gate import Gate
    from sandbox.egress.upstream import Upstream
    from sandbox.spec import Egress


def make_gate(egress: Egress | None, upstream: Upstream | None = None) -> Gate | None:
    """The gate for a policy, None without egress; its libraries are loaded only where there is one."""
    if egress is None:
        return None
    from sandbox.egress.gate import Gate

    return Gate(egress, upstream)
