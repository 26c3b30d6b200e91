"""The list of templates and the decorator that adds to it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from ..site import Proposal, Site

Maker = Callable[[Site], Iterator[Proposal]]
MakerT = TypeVar("MakerT", bound=Maker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A mutation for AST nodes of some types; ``prior``: how likely it is the fix, about 1.0 at most."""

    name: str
    prior: float
    nodes: tuple[type[ast.AST], ...]
    make: Maker
    errors: frozenset[str]  # exception types that make it likelier


_registered: list[Template] = []


def template(
    name: str, prior: float, *nodes: type[ast.AST], errors: tuple[str, ...] = ()
) -> Callable[[MakerT], MakerT]:
    """Register a function that proposes changes for a site."""

    def register(make: MakerT) -> MakerT:
        _registered.append(Template(name=name, prior=prior, nodes=nodes, make=make, errors=frozenset(errors)))
        return make

    return register


def list_templates() -> tuple[Template, ...]:
    """The templates registered so far."""
    return tuple(_registered)
