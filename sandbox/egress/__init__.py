"""The way out of a sandbox: a proxy on the host that lets through what the policy names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.egress.gate import Gate
    from sandbox.egress.upstream import Outside
    from sandbox.spec import Egress


def gate_for(egress: Egress | None, outside: Outside | None = None) -> Gate | None:
    """The gate for a policy; what it is made of is loaded only where there is one."""
    if egress is None:
        return None
    from sandbox.egress.gate import Gate

    return Gate(egress, outside)
