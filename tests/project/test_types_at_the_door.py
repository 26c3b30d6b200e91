"""GitHub's JSON stays in the rooms at the edge: everything else takes values with named fields."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from bot.github.app import RepoApi
from bot.github.repository import Repository
from tests.support import ROOT

# Names of fields in GitHub's answers that nothing of Hob's own stores under the same name.
FIELDS = frozenset({
    "author_association", "base_commit", "check_runs", "clone_url", "created_at", "default_branch",
    "full_name", "head_branch", "head_sha", "html_url", "in_reply_to_id", "isDraft", "isResolved", "labels",
    "login", "maintainer_can_modify", "mergeable", "merge_base_commit", "merged_at", "node_id", "number",
    "original_line", "performed_via_github_app", "permissions", "pull_request", "pull_request_review_id",
    "pull_requests", "ref", "submitted_at", "updated_at", "user",
})  # fmt: skip
SIDES, SIDE_FIELDS = ("head", "base"), ("sha", "ref", "repo", "label", "user")
DOORS = (
    "bot/github/",  # where answers are parsed
    "bot/inbox/payload.py",  # where webhooks are
    "bot/demo/",  # plays a person before localhub, with requests of its own
)
MODULES = [
    path for path in sorted((ROOT / "bot").rglob("*.py")) if not str(path.relative_to(ROOT)).startswith(DOORS)
]


def reads(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """(line, key) of every ``x["key"]`` that is read and every ``x.get("key")``."""
    for node in nodes:
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key = node.args[0] if node.args else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield node.lineno, key.value  # type: ignore[attr-defined]


def chains(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """The lines of ``["head"]["sha"]`` and its like: one side of a pull request taken apart by names."""
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
            keys = [each.value for each in (node.value.slice, node.slice) if isinstance(each, ast.Constant)]
            if len(keys) == 2 and keys[0] in SIDES and keys[1] in SIDE_FIELDS:
                yield node.lineno


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_no_answer_is_read_by_field_names_elsewhere(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    found = [f"line {line}: {key}" for line, key in reads(nodes) if key in FIELDS]
    assert found + [f"line {line}: a chain" for line in chains(nodes)] == []


def test_the_rule_sees_what_it_is_for() -> None:
    nodes = list(
        ast.walk(ast.parse('pull["head"]["sha"]\n(c.get("user") or {}).get("login")\nx["merged_at"] = 1\n'))
    )
    assert [(line, key) for line, key in reads(nodes) if key in FIELDS] == [(2, "login"), (2, "user")]
    assert list(chains(nodes)) == [1]


# The payload of a webhook, made to be stored as one, and what the caller's own function gives.
RAW = {"webhook_payload", "with_token"}


def test_no_method_of_a_repository_gives_raw_json() -> None:
    public = {
        f"{part.__name__}.{name}": inspect.signature(method).return_annotation
        for part in [RepoApi, *Repository.__subclasses__()]
        for name, method in inspect.getmembers(part, inspect.isfunction)
        if not name.startswith("_") and name not in RAW
    }
    raw = {
        name: given for name, given in public.items() if any(w in str(given) for w in ("Any", "Json", "dict"))
    }
    assert len(public) > 20 and raw == {}
