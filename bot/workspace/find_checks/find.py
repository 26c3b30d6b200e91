"""Every check that a tree declares, the root's first, in an order that does not change."""

from __future__ import annotations

from collections.abc import Sequence

from bot.workspace.find_checks.cargo import find_cargo_checks
from bot.workspace.find_checks.go import find_go_checks
from bot.workspace.find_checks.node import find_node_checks, read_root_script
from bot.workspace.find_checks.others import find_other_checks
from bot.workspace.find_checks.python import find_python_checks
from bot.workspace.find_checks.recipes import find_recipe_checks
from bot.workspace.find_checks.tree import FoundCheck, Tree

_FINDERS = (find_python_checks, find_cargo_checks, find_go_checks, find_node_checks, find_other_checks)


def find_all_checks(tree: Tree) -> Sequence[FoundCheck]:
    """All of them; those that a manifest of the root asks for stand before stray ones and other folders'."""
    found = [check for finder in _FINDERS for check in finder(tree)]
    found += find_recipe_checks(tree, found, read_root_script(tree))
    return sorted(found, key=lambda check: (bool(check.folder), not check.declared, check.folder))
