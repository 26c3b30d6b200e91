"""Commits that GitHub makes itself, and signs, on a branch that is still where it was seen."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import ChangeKind, FileChange
from bot.github.client import Client
from bot.github.repository import Repository
from bot.github.responses import NotFound, Rejected

# https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
COMMIT = """
mutation Commit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } } }
}
"""

MOST_COMPARED = 300  # files of a comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A commit that stands on GitHub."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeBase:
    """Two lines of commits: the tip of the other one, where they parted, and how many commits it went on."""

    tip: str
    at: str
    ahead: int


class Commits(Repository):
    """Commits read, and made through the API."""

    _publishing: Client

    async def commit_at(self, ref: str) -> Landed | None:
        """The commit of a branch or a sha, None when there is none.

        https://docs.github.com/en/rest/commits/commits#get-a-commit
        """
        try:
            found = await self._get("/commits/{ref}{?per_page}", ref=ref, per_page=1)
        except (NotFound, Rejected):  # 422 where the name could be a sha
            return None
        commit = found["commit"]
        return Landed(
            sha=found["sha"],
            tree=commit["tree"]["sha"],
            parents=tuple(parent["sha"] for parent in found["parents"]),
            message=commit["message"],
            verified=bool((commit.get("verification") or {}).get("verified")),
        )

    async def files_of(self, sha: str) -> list[str]:
        """The paths that a commit changed, at most 300.

        https://docs.github.com/en/rest/commits/commits#get-a-commit
        """
        found = await self._get("/commits/{ref}{?per_page}", ref=sha, per_page=100)
        return [str(file["filename"]) for file in found.get("files") or ()]

    async def parted(self, branch: str, head: str) -> MergeBase | None:
        """How far ``branch`` went on since the commit ``head`` left it; None when they never met.

        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = "/compare/{base}...{head}{?per_page}"
        try:
            found = await self._get(path, base=branch, head=head, per_page=1)
        except NotFound:
            return None
        tip, at = found["base_commit"]["sha"], found["merge_base_commit"]["sha"]
        return MergeBase(tip=tip, at=at, ahead=int(found["behind_by"]))

    async def changed_since(self, branch: str, head: str) -> list[str] | None:
        """The paths that commit ``head`` changes since it left ``branch``, where renamed ones were too.

        None when they are not all known: GitHub names at most 300, on the first page.
        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = "/compare/{base}...{head}{?per_page}"
        try:
            files = (await self._get(path, base=branch, head=head, per_page=1)).get("files")
        except NotFound:
            return None
        if files is None or len(files) >= MOST_COMPARED:
            return None
        return [str(file[key]) for file in files for key in ("filename", "previous_filename") if key in file]

    async def commit_on_branch(
        self, branch: str, head: str, message: str, files: Sequence[FileChange]
    ) -> Landed:
        """Have GitHub commit ``files`` on ``branch``, which must be at ``head``; GitHub signs it.

        Modes cannot be given, so only ordinary files may be among them. Raises Stale when the branch is
        elsewhere. Not repeated after an outage: look at the branch first.
        """
        headline, _, body = message.strip().partition("\n")
        wanted = {
            "branch": {"repositoryNameWithOwner": self._place.full_name, "branchName": branch},
            "expectedHeadOid": head,
            "message": {"headline": headline, "body": body.strip()},
            "fileChanges": {
                "additions": [
                    {"path": file.path, "contents": base64.b64encode(file.data).decode("ascii")}
                    for file in files
                    if file.kind is not ChangeKind.DELETED
                ],
                "deletions": [{"path": file.path} for file in files if file.kind is ChangeKind.DELETED],
            },
        }
        data = await self._publishing.graphql(COMMIT, input=wanted)
        made = data["createCommitOnBranch"]["commit"]
        tree = made["tree"]["oid"]
        return Landed(sha=made["oid"], tree=tree, parents=(head,), message=message, verified=True)
