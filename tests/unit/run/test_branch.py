"""The proved change on its branch: signed by GitHub where it can say it, pushed otherwise, over nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.errors import Parked, Retry, UserError
from bot.git.commit import BuiltCommit, build_commit
from bot.git.merge import merge
from bot.git.mirror import Mirror
from bot.git.push import PushRefused
from bot.github.app import GitHub, RepoApi
from bot.run.prepare.prepare import find_pull_base
from bot.run.publish.branch import Landing
from bot.run.publish.description import open_on_base
from bot.workspace.base_merge import merge_base_branch
from tests.support.hub import Hub, running_hub
from tests.support.run import TASK

BRANCH = "hob/1-halve"
REPO = "/repos/maintainer/demo"
MESSAGE = "Halve it\n\nIt was whole.\n\nCo-authored-by: ann <1+ann@users.example>\nHob-Task: 5\n"


@dataclass
class Ground:
    """A repository, the bot on it, and a mirror of its main branch."""

    hub: Hub
    api: RepoApi
    mirror: Mirror
    base: str

    @property
    def repo(self) -> Path:
        return self.mirror.path(1)

    def built(self, changes: ChangeSet) -> BuiltCommit:
        return build_commit(
            self.repo,
            parent=changes.base,
            changes=changes,
            message=MESSAGE,
            author=("hob[bot]", "hob@users.example"),
            at=datetime(2026, 1, 2, tzinfo=UTC),
        )

    def change(self, *files: FileChange, base: str = "") -> ChangeSet:
        return ChangeSet(base=base or self.base, files=files)

    def landing(self, changes: ChangeSet, head: str | None = None) -> Landing:
        url = self.hub.git_url("demo")
        return Landing(self.api, url, branch=BRANCH, head=head, built=self.built(changes), message=MESSAGE)

    async def land(self, changes: ChangeSet, head: str | None = None) -> str:
        return await self.landing(changes, head).land(self.repo, changes)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with running_hub(tmp_path) as hub, aiohttp.ClientSession() as session:
        gh = GitHub(
            session,
            api_url=hub.api_url,
            app_id=hub.app_id,
            private_key=hub.private_key,
            write_spacing=0,
            backoff=0.01,
        )
        made = await hub.seed_repo("demo", {"code.txt": "whole\n", "run.sh": "#!/bin/sh\n", "old.txt": "x\n"})
        api = gh.for_repo(hub.installation_id, made["id"], "maintainer", "demo")
        mirror = Mirror(tmp_path / "mirrors")
        await mirror.fetch(1, hub.git_url("demo"), token=None, refspecs=["refs/heads/main:refs/heads/main"])
        base = await mirror.resolve(1, "refs/heads/main")
        assert base
        yield Ground(hub, api, mirror, base)


HALVED = FileChange(path="code.txt", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"half\n")
ADDED = FileChange(path="new/\u00e9.txt", kind=ChangeKind.ADDED, mode=0o100644, data=b"\x00\xff")
GONE = FileChange(path="old.txt", kind=ChangeKind.DELETED)
TOOL = FileChange(path="tool", kind=ChangeKind.ADDED, mode=0o100755, data=b"#!/bin/sh\n")


async def test_s77_a_commit_is_signed_by_github_and_has_the_proved_tree(ground: Ground) -> None:
    changes = ground.change(HALVED, ADDED, GONE)
    sha = await ground.land(changes)
    shown = await ground.hub.as_maintainer.get(f"{REPO}/commits/{sha}")
    assert shown["commit"]["verification"]["verified"]
    assert shown["commit"]["tree"]["sha"] == ground.built(changes).tree
    assert [parent["sha"] for parent in shown["parents"]] == [ground.base]
    assert shown["commit"]["message"] == MESSAGE.strip()
    assert shown["author"]["login"] == "hob[bot]"
    assert await ground.landing(changes).find(changes) == sha


def pushes(ground: Ground) -> list[tuple[str, str]]:
    """(before, after) of each push to the branch that GitHub told of, as workflows and previews see them."""
    rows = ground.hub.hub.state.all("SELECT payload FROM deliveries WHERE event = 'push' ORDER BY id")
    told = [json.loads(row["payload"]) for row in rows]
    return [(one["before"], one["after"]) for one in told if one["ref"] == f"refs/heads/{BRANCH}"]


async def test_a_new_branch_begins_at_its_commit_in_one_push(ground: Ground) -> None:
    link = FileChange(path="link", kind=ChangeKind.ADDED, mode=0o120000, data=b"new/\xc3\xa9.txt")
    changes = ground.change(HALVED, ADDED, GONE, TOOL, link)
    sha = await ground.land(changes)
    shown = await ground.hub.as_maintainer.get(f"{REPO}/commits/{sha}")
    assert shown["commit"]["verification"]["verified"], "its modes too can be told"
    assert shown["commit"]["tree"]["sha"] == ground.built(changes).tree
    assert pushes(ground) == [("0" * 40, sha)]
    more = ground.change(FileChange(path="b.txt", kind=ChangeKind.ADDED, mode=0o100644, data=b"b"), base=sha)
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{sha}:refs/x"])
    second = await ground.land(more, sha)
    assert pushes(ground) == [("0" * 40, sha), (sha, second)]


async def test_what_the_api_cannot_say_is_pushed(ground: Ground) -> None:
    place = FileChange(path="old.txt/in", kind=ChangeKind.ADDED, mode=0o100644, data=b"x")
    changes = ground.change(HALVED, GONE, place)
    sha = await ground.land(changes)
    assert (await ground.hub.as_maintainer.get(f"{REPO}/commits/{sha}"))["commit"]["tree"]["sha"] == (
        ground.built(changes).tree
    )
    assert await ground.landing(changes).find(changes) == sha


async def test_an_archive_takes_nothing_and_is_named(ground: Ground) -> None:
    await ground.hub.as_maintainer.patch(REPO, {"archived": True})
    with pytest.raises(PushRefused, match="archived so"):
        await ground.land(ground.change(HALVED))


async def test_a_default_branch_that_was_renamed_meanwhile_is_followed(ground: Ground) -> None:
    changes = ground.change(HALVED)
    await ground.land(changes)
    await ground.hub.git("push", "-q", "origin", "main:trunk", cwd=ground.hub.worktree("demo"))
    await ground.hub.as_maintainer.patch(REPO, {"default_branch": "trunk"})
    await ground.hub.as_maintainer.delete(f"{REPO}/git/refs/heads/main")
    with pytest.raises(UserError, match="The branch `main` that this is for is gone"):
        await open_on_base(ground.api, "Halve it", "", BRANCH, "main", is_default=False)
    pull = await open_on_base(ground.api, "Halve it", "", BRANCH, "main", is_default=True)
    assert pull.base.ref == "trunk"


async def test_a_base_branch_that_is_gone_leaves_the_commit_where_it_was_left(ground: Ground) -> None:
    sha = await ground.land(ground.change(HALVED))
    pull = await open_on_base(ground.api, "Halve it", "", BRANCH, "main", is_default=True)
    gone = replace(pull, base=replace(pull.base, ref="stack/one"))
    for one in (pull, gone):
        found = await find_pull_base(ground.api, one, sha)
        assert found is not None and found.at == ground.base
    nowhere = replace(gone, base=replace(gone.base, sha="e" * 40))
    assert await find_pull_base(ground.api, nowhere, sha) is None
    asked = replace(TASK, request="please rebase this")
    with pytest.raises(UserError, match="base branch `stack/one` is gone, so there is nothing to merge"):
        await merge_base_branch(asked, ground.api, ground.mirror, gone, sha)
    more = replace(TASK, request="rename it and rebase")
    assert await merge_base_branch(more, ground.api, ground.mirror, gone, sha) is None


async def test_a_replica_that_lags_accuses_nobody(ground: Ground) -> None:
    first = await ground.land(ground.change(ADDED))
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{first}:refs/x"])
    late = {"type": "STALE_DATA", "message": f'Expected branch to point to "{ground.base}" but it did not.'}
    await ground.hub.fault("status", "/graphql", status=200, body={"data": None, "errors": [late]})
    changes = ground.change(HALVED, base=first)
    sha = await ground.land(changes, first)
    assert await ground.api.commits.find_branch_head(BRANCH) == sha


async def test_what_was_proved_on_other_ground_is_put_over_nobody(ground: Ground) -> None:
    """An attempt of before, and a branch that somebody has built on since: it was seen there, and stays."""
    await ground.land(ground.change(HALVED))
    put = {"message": "Mine", "content": "bWluZQo=", "branch": BRANCH}
    theirs = (await ground.hub.as_maintainer.put(f"{REPO}/contents/mine.txt", put))["commit"]["sha"]
    with pytest.raises(UserError, match="changed by somebody else"):
        await ground.land(ground.change(HALVED, TOOL), theirs)
    assert (await ground.hub.as_maintainer.get(f"{REPO}/commits/{BRANCH}"))["sha"] == theirs


async def rule(ground: Ground, *rules: dict[str, object], on: str = "~ALL") -> None:
    """Put rules in force."""
    conditions = {"ref_name": {"include": [on], "exclude": []}}
    ruleset = {"name": "Rules", "target": "branch", "enforcement": "active", "conditions": conditions}
    await ground.hub.as_maintainer.post(f"{REPO}/rulesets", {**ruleset, "rules": rules})


async def test_where_commits_must_be_signed_githubs_own_are_and_a_pushed_one_is_refused(
    ground: Ground,
) -> None:
    await rule(ground, {"type": "required_signatures"}, {"type": "required_linear_history"})
    first = await ground.land(ground.change(HALVED, ADDED))
    assert (await ground.api.commits.find_branch_head(BRANCH)) == first
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{first}:refs/x"])
    second = await ground.land(ground.change(TOOL, base=first), first)  # a mode, so by another way
    shown = await ground.hub.as_maintainer.get(f"{REPO}/commits/{second}")
    assert shown["commit"]["verification"]["verified"]
    assert pushes(ground) == [("0" * 40, first), (first, second)]
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{second}:refs/x"])
    tool = FileChange(path="tool", kind=ChangeKind.DELETED)
    place = FileChange(path="tool/in", kind=ChangeKind.ADDED, mode=0o100644, data=b"x")
    with pytest.raises(PushRefused, match="verified signatures"):  # what the API cannot say
        await ground.land(ground.change(tool, place, base=second), second)


async def merged_with(ground: Ground, head: str, files: dict[str, str]) -> ChangeSet:
    """A merge of the base, which has ``files`` now, into the branch that is at ``head``."""
    tip = await ground.hub.push_files("demo", files)
    refs = [f"{head}:refs/x", "+refs/heads/main:refs/heads/main"]
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=refs)
    made = await merge(ground.repo, base=ground.base, ours=head, theirs=tip)
    assert not made.conflicts
    return ChangeSet(base=made.commit, files=(TOOL,), parents=(head, tip))


async def test_a_merge_of_the_base_is_signed_by_github_too(ground: Ground) -> None:
    await rule(ground, {"type": "required_signatures"}, on="refs/heads/hob/*")
    head = await ground.land(ground.change(HALVED, ADDED, GONE))
    changes = await merged_with(ground, head, {"more.txt": "more\n", "run.sh": "#!/bin/bash\n"})
    sha = await ground.land(changes, head)
    shown = await ground.hub.as_maintainer.get(f"{REPO}/commits/{sha}")
    assert shown["commit"]["verification"]["verified"]
    assert [parent["sha"] for parent in shown["parents"]] == list(changes.parents)
    assert shown["commit"]["tree"]["sha"] == ground.built(changes).tree
    assert pushes(ground)[1:] == [(head, sha)]
    assert await ground.landing(changes, head).find(changes) == sha


async def test_s41_a_merge_is_put_over_nobodys_commits(ground: Ground) -> None:
    head = await ground.land(ground.change(HALVED))
    changes = await merged_with(ground, head, {"more.txt": "more\n"})
    put = {"message": "Mine", "content": "bWluZQo=", "branch": BRANCH}
    theirs = (await ground.hub.as_maintainer.put(f"{REPO}/contents/mine.txt", put))["commit"]["sha"]
    with pytest.raises(UserError, match="changed by somebody else"):
        await ground.land(changes, head)
    assert await ground.api.commits.find_branch_head(BRANCH) == theirs


async def test_a_branch_in_the_merge_queue_is_waited_for(ground: Ground) -> None:
    first = await ground.land(ground.change(HALVED))
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{first}:refs/x"])
    queue = {
        "check_response_timeout_minutes": 5, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 1,
        "max_entries_to_merge": 1, "merge_method": "MERGE", "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 0,
    }  # fmt: skip
    await rule(ground, {"type": "merge_queue", "parameters": queue}, on="~DEFAULT_BRANCH")
    wanted = {"title": "Halves", "head": BRANCH, "base": "main"}
    pull = await ground.hub.as_maintainer.post(f"{REPO}/pulls", wanted)
    asked = "(input: {pullRequestId: $id}) { mergeQueueEntry { id } }"
    await ground.hub.as_maintainer.graphql(
        f"mutation($id: ID!) {{ enqueuePullRequest{asked} }}", id=pull["node_id"]
    )
    changes = ground.change(ADDED, base=first)
    with pytest.raises(Parked, match="merge queue"):
        await ground.land(changes, first)
    asked = asked.replace("pullRequestId", "id")
    await ground.hub.as_maintainer.graphql(
        f"mutation($id: ID!) {{ dequeuePullRequest{asked} }}", id=pull["node_id"]
    )
    assert await ground.land(changes, first)


async def test_a_refusal_of_the_api_is_no_end(ground: Ground) -> None:
    refusal = {"data": None, "errors": [{"type": "UNPROCESSABLE", "message": "too large"}]}
    first = await ground.land(ground.change(ADDED))
    await ground.mirror.fetch(1, ground.hub.git_url("demo"), token=None, refspecs=[f"{first}:refs/x"])
    await ground.hub.fault("status", "/graphql", status=200, body=refusal)
    changes = ground.change(HALVED, base=first)
    assert await ground.land(changes, first) == ground.built(changes).sha


@pytest.mark.parametrize("path", ["/git/blobs", "/git/trees", "/git/commits", "/git/refs"])
async def test_a_refusal_on_the_way_to_a_new_branch_is_no_end(ground: Ground, path: str) -> None:
    body = {"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest"}
    await ground.hub.fault("status", f"{path}$", status=422, body=body)
    changes = ground.change(HALVED, ADDED)
    assert await ground.land(changes) == ground.built(changes).sha


async def test_a_commit_with_another_tree_does_not_stay(ground: Ground) -> None:
    changes = ground.change(HALVED)
    landing = ground.landing(changes)
    other = FileChange(path="code.txt", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"a third\n")
    assert await landing.land(ground.repo, ground.change(other)) == ground.built(changes).sha
    assert await ground.api.commits.find_branch_head(BRANCH) == ground.built(changes).sha


async def test_s35_a_commit_whose_answer_was_lost_is_found(ground: Ground) -> None:
    changes = ground.change(HALVED)
    await ground.hub.fault("reset", "/git/refs", after=True)
    with pytest.raises(Retry, match="may have been done"):
        await ground.land(changes)
    sha = await ground.landing(changes).find(changes)
    assert sha == await ground.api.commits.find_branch_head(BRANCH) != ground.base


@pytest.mark.parametrize("files", [(HALVED,), (HALVED, TOOL)], ids=["signed", "pushed"])
async def test_s41_a_branch_that_somebody_moved_is_left_alone(
    ground: Ground, files: tuple[FileChange, ...]
) -> None:
    first = await ground.land(ground.change(ADDED))
    await ground.mirror.fetch(
        1, ground.hub.git_url("demo"), token=None, refspecs=[f"refs/heads/{BRANCH}:refs/heads/{BRANCH}"]
    )
    await ground.hub.git("fetch", "-q", "origin", BRANCH, cwd=ground.hub.worktree("demo"))
    await ground.hub.git("checkout", "-q", "-b", BRANCH, "FETCH_HEAD", cwd=ground.hub.worktree("demo"))
    theirs = await ground.hub.push_files("demo", {"mine.txt": "a person's\n"}, branch=BRANCH)
    with pytest.raises(UserError, match="changed by somebody else"):
        await ground.land(ground.change(*files, base=first), head=first)
    assert await ground.api.commits.find_branch_head(BRANCH) == theirs


async def test_s41_nothing_is_pushed_over_commits_that_are_not_below_it(ground: Ground) -> None:
    """As for a change that was made before a person pushed, and is taken up by another worker after that."""
    first = await ground.land(ground.change(ADDED))
    with pytest.raises(UserError, match="changed by somebody else"):
        await ground.land(ground.change(HALVED, TOOL), head=first)
    assert await ground.api.commits.find_branch_head(BRANCH) == first
