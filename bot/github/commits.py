"""Branches, commits and files of a repository: read, compared, and commits that GitHub itself makes.

git pushes; nothing here moves a branch but ``commit_on_branch``, whose commits GitHub signs.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain import ChangeKind, FileChange
from bot.github.answers import Commit, parse
from bot.github.http.client import Client
from bot.github.http.responses import NotFound, Rejected
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
COMMIT = """
mutation Commit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } } }
}
"""

MOST_COMPARED = 300  # files of a comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeBase:
    """The merge base ``at`` with another branch, its ``tip``, and how many commits it is ``ahead``."""

    tip: str
    at: str
    ahead: int


class Commits(Repository):
    """Commits read, and made through the API."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
        *,
        publishing: Client,
    ) -> None:
        """``publishing`` is a client that may write contents; it is used for commits only."""
        super().__init__(client, address, identify)
        self._publishing = publishing

    async def find_branch_head(self, branch: str) -> str | None:
        """The commit of a branch, None when there is no such branch.

        https://docs.github.com/en/rest/branches/branches#get-a-branch
        """
        try:
            answer = await self._get("/branches/{branch}", branch=branch)
        except NotFound:
            return None
        return parse(answer, "branch", lambda found: found.object("commit").text("sha"))

    async def find_default_branch(self) -> str:
        """The name of the repository's default branch as it is now.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """
        return parse(await self._get(""), "repository", lambda found: found.text("default_branch"))

    async def read_file(self, path: str, commit: str) -> bytes | None:
        """A file's content at a commit, None when there is no such file; at most 1 MB.

        https://docs.github.com/en/rest/repos/contents#get-repository-content
        """
        try:
            answer = await self._get("/contents/{+file}{?ref}", file=path, ref=commit)
        except NotFound:
            return None
        return parse(answer, "file", _file_content) if isinstance(answer, dict) else None

    async def find(self, ref: str) -> Commit | None:
        """The commit of a branch or a sha, None when there is none.

        https://docs.github.com/en/rest/commits/commits#get-a-commit
        """
        try:
            answer = await self._get("/commits/{ref}{?per_page}", ref=ref, per_page=1)
        except (NotFound, Rejected):  # 422 where the name could be a sha
            return None
        return Commit.from_json(answer)

    async def list_files(self, sha: str) -> list[str]:
        """The paths that a commit changed, at most 300.

        https://docs.github.com/en/rest/commits/commits#get-a-commit
        """
        answer = await self._get("/commits/{ref}{?per_page}", ref=sha, per_page=100)
        return parse(answer, "commit", lambda commit: [f.text("filename") for f in commit.objects("files")])

    async def find_merge_base(self, branch: str, head: str) -> MergeBase | None:
        """How far ``branch`` went on since the commit ``head`` left it; None when they never met.

        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = "/compare/{base}...{head}{?per_page}"
        try:
            answer = await self._get(path, base=branch, head=head, per_page=1)
        except NotFound:
            return None
        return parse(answer, "comparison", _merge_base)

    async def list_changed_paths(self, branch: str, head: str) -> list[str] | None:
        """The paths that commit ``head`` changes since it left ``branch``, where renamed ones were too.

        None when they are not all known: GitHub names at most 300, on the first page.
        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        path = "/compare/{base}...{head}{?per_page}"
        try:
            answer = await self._get(path, base=branch, head=head, per_page=1)
        except NotFound:
            return None
        return parse(answer, "comparison", _parse_compared_paths)

    async def create_on_branch(
        self, branch: str, head: str, message: str, files: Sequence[FileChange]
    ) -> Commit:
        """Have GitHub commit ``files`` on ``branch``, which must be at ``head``; GitHub signs it.

        Modes cannot be given, so only ordinary files may be among them. Raises Stale when the branch is
        elsewhere. Not repeated after an outage: look at the branch first.
        """
        headline, _, body = message.strip().partition("\n")
        wanted = {
            "branch": {"repositoryNameWithOwner": self._address.full_name, "branchName": branch},
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
        sha, tree = parse(data, "data", _parse_created_commit)
        return Commit(sha=sha, tree=tree, parents=(head,), message=message, verified=True)


def _file_content(file: Fields) -> bytes | None:
    if file.text("encoding", "") != "base64":
        return None
    return base64.b64decode(file.text("content"))


def _merge_base(comparison: Fields) -> MergeBase:
    return MergeBase(
        tip=comparison.object("base_commit").text("sha"),
        at=comparison.object("merge_base_commit").text("sha"),
        ahead=comparison.number("behind_by"),
    )


def _parse_compared_paths(comparison: Fields) -> list[str] | None:
    if not comparison.has("files"):
        return None
    files = list(comparison.objects("files"))
    if len(files) >= MOST_COMPARED:
        return None
    names = ("filename", "previous_filename")
    return [file.text(name) for file in files for name in names if file.has(name)]


def _parse_created_commit(data: Fields) -> tuple[str, str]:
    commit = data.object("createCommitOnBranch").object("commit")
    return commit.text("oid"), commit.object("tree").text("oid")
