"""How sandboxes reach what hob.yml lets them reach, where the operator says more than "the internet"."""

from __future__ import annotations

from pathlib import Path

from bot.errors import HobError
from sandbox.egress.company import make_trust, parse_private_hosts, parse_proxy
from sandbox.egress.upstream import Upstream


def make_upstream(private: str, proxy: str, authorities: Path | None) -> Upstream | None:
    """From the values of HOB_EGRESS_PRIVATE, HOB_EGRESS_PROXY and HOB_EGRESS_CA; None where none is set.

    Raises HobError that names the variable.
    """
    if not (private or proxy or authorities):
        return None
    try:
        hosts = parse_private_hosts(private) if private else frozenset()
    except ValueError as error:
        raise HobError(f"HOB_EGRESS_PRIVATE: {error}") from None
    try:
        through = parse_proxy(proxy) if proxy else None
    except ValueError as error:
        raise HobError(f"HOB_EGRESS_PROXY: {error}") from None
    try:
        trust = make_trust(authorities)
    except OSError as error:
        raise HobError(f"HOB_EGRESS_CA: {authorities} holds no certificates ({error})") from None
    return Upstream(private=hosts, proxy=through, trust=trust)
