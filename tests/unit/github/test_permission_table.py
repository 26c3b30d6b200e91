"""The table of routes in docs/github.md: what the code sends, what app.yml asks for, what localhub wants."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from bot.domain import ChangeKind, FileChange, TriggerKind
from bot.github.app import RepoApi
from bot.github.cli.manifest import read_manifest
from bot.github.http.scope import Purpose
from localhub.server import TABLES
from tests.support import ROOT
from tests.support.github_scripted import Script
from tests.support.github_spec import find_operation
from tests.unit.github.test_repository_api import call_everything, gh, repo, script  # noqa: F401

ROW = re.compile(r"^\| `(GET|POST|PATCH|PUT|DELETE) (/repos/\S+)` \| (.+?) \|", re.MULTILINE)
MUTATION = re.compile(r"^\| GraphQL `(\w+)` \| (.+?) \|", re.MULTILINE)
NEED = re.compile(r"`(\w+): (\w+)`")
TEXT = (ROOT / "docs" / "github.md").read_text("utf-8")
TABLE = {(method, path): words for method, path, words in ROW.findall(TEXT)}
MUTATIONS = dict(MUTATION.findall(TEXT))
OPTIONAL = {"actions", "discussions"}
# What other parts send: a lost mention is looked up by the payload's own address.
BESIDE = {("GET", "/repos/{owner}/{repo}/issues/{issue_number}")}


@pytest.fixture
async def sent(script: Script, repo: RepoApi) -> AsyncIterator[Script]:  # noqa: F811
    await call_everything(script, repo)
    for kind in (TriggerKind.ISSUE, TriggerKind.REVIEW_COMMENT):
        await repo.issues.react(kind, 1, 1, "eyes")
    picture = FileChange(path="a.png", kind=ChangeKind.ADDED, mode=0o100644, data=b"\x00\xff")
    await repo.commits.create_commit(["main"], "0" * 40, "A picture", [picture])
    yield script


async def test_every_route_that_is_used_has_a_row(sent: Script) -> None:
    used = set()
    mutations = set()
    for one in sent.seen:
        if one.path == "/graphql":
            mutations |= set(re.findall(r"(\w+)\(\s*input:", one.body["query"]))
        elif one.path.startswith("/repos/"):
            used.add((one.method, find_operation(one.method, one.raw_path).template))
    assert used - TABLE.keys() == set()
    assert TABLE.keys() - used - BESIDE == set(), "a row that nothing uses"
    assert mutations == MUTATIONS.keys()


def test_app_yml_asks_for_exactly_what_the_rows_need() -> None:
    rank = ["none", "read", "write"]
    wanted: dict[str, str] = {}
    for words in [*TABLE.values(), *MUTATIONS.values()]:
        needs = NEED.findall(words)
        for name, level in needs[:1] if " or " in words else needs:
            if rank.index(level) > rank.index(wanted.get(name, "none")):
                wanted[name] = level
    assert {name for name in wanted if name in OPTIONAL} == OPTIONAL
    asked = read_manifest()["default_permissions"]
    assert {name: level for name, level in wanted.items() if name not in OPTIONAL} == asked


def test_every_token_asks_for_less_than_app_yml() -> None:
    asked = read_manifest()["default_permissions"]
    for purpose in Purpose:
        for name, level in purpose.value:
            assert name in OPTIONAL or level in (asked[name], "read"), purpose


def test_localhub_wants_what_the_rows_say() -> None:
    hole = re.compile(r"\{[^{}]*(?:\{\d+\}[^{}]*)*\}")
    known = {(one.method, hole.sub("{}", one.path)): one.app for table in TABLES for one in table.all}
    for (method, path), words in TABLE.items():
        if "optional" in words:
            continue
        needs = {f"{name}:{level}" for name, level in NEED.findall(words)}
        enforced = known[method, hole.sub("{}", path)]
        assert set(enforced.split("|")) == needs, (method, path)
