"""Branches, commits and files of a repository: read, compared, and commits that GitHub itself makes.

git pushes; nothing here moves a branch but to a commit that GitHub made and signs, on top of what it had: by
``create_on_branch``, which takes ordinary files alone, or by ``create_commit`` and then ``create_branch`` or
``advance_branch``. Either way workflows see one push.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.backoff import compute_backoff
from bot.domain import ChangeKind, FileChange, Repo
from bot.github.answers import Commit, FilePatch, Json, parse
from bot.github.http.client import SAFE_TO_REPEAT, Client
from bot.github.http.responses import NotFound, Rejected, Stale
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch
COMMIT = """
mutation Commit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } } }
}
"""

OWN_BRANCHES = "hob/"  # where alone a branch is made, unless hob.yml names another prefix
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
        settle: float = 60.0,
    ) -> None:
        """``publishing`` is a client that may write contents; it is used for commits only.

        ``settle`` bounds, in seconds, the wait for GitHub to see where a branch is.
        """
        super().__init__(client, address, identify)
        self._publishing = publishing
        self._settle = settle

    async def read_repository(self) -> Repo:
        """The repository as it is called now: GitHub redirects from the names that it had.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """
        return parse(await self._get(""), "repository", _repository)

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
        """A file's content at a commit ('': the default branch), None when there is none; at most 1 MB.

        https://docs.github.com/en/rest/repos/contents#get-repository-content
        """
        try:
            answer = await self._get("/contents/{+file}{?ref}", file=path, ref=commit or None)
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

    async def list_patches(self, sha: str) -> list[FilePatch]:
        """What a commit changed, file by file, at most 300.

        https://docs.github.com/en/rest/commits/commits#get-a-commit
        """
        answer = await self._get("/commits/{ref}{?per_page}", ref=sha, per_page=100)
        files = answer.get("files") if isinstance(answer, dict) else None
        return [FilePatch.from_json(file) for file in files or []]

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
        elsewhere: GitHub says so too for a while after a push, so the branch is looked at before it is
        believed. Not repeated after an outage: look at the branch first.
        """
        waited, refusals = 0.0, 0
        while True:
            try:
                return await self._create_on_branch(branch, head, message, files)
            except Stale:
                pause = compute_backoff(refusals + 1, first=0.5, longest=15.0)
                if waited + pause > self._settle or await self.find_branch_head(branch) != head:
                    raise
            await self._client.sleep(pause)
            waited, refusals = waited + pause, refusals + 1

    async def _create_on_branch(
        self, branch: str, head: str, message: str, files: Sequence[FileChange]
    ) -> Commit:
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
        data = await self._publishing.graphql(COMMIT, what="the commit", needs="contents=write", input=wanted)
        sha, tree = parse(data, "data", _parse_created_commit)
        return Commit(sha=sha, tree=tree, parents=(head,), message=message, verified=True)

    async def create_commit(
        self, parents: Sequence[str], base_tree: str, message: str, files: Sequence[FileChange]
    ) -> Commit:
        """Have GitHub make a commit on ``parents``: the tree ``base_tree`` with ``files`` in it.

        No author is given, so that GitHub signs it as the app's own. May be repeated: what no branch has
        does no harm.
        https://docs.github.com/en/rest/git/trees#create-a-tree
        https://docs.github.com/en/rest/git/commits#create-a-commit
        """
        entries = [await self._make_entry(file) for file in files]
        tree = await self._publish("/git/trees", {"base_tree": base_tree, "tree": entries})
        named = parse(tree, "tree", lambda made: made.text("sha"))
        wanted = {"message": message.strip(), "tree": named, "parents": list(parents)}
        made = await self._publish("/git/commits", wanted)
        sha, signed = parse(made, "commit", _parse_git_commit)
        return Commit(sha=sha, tree=named, parents=tuple(parents), message=message, verified=signed)

    async def create_branch(self, branch: str, sha: str, *, prefix: str = OWN_BRANCHES) -> None:
        """Make a branch of Hob's own at a commit. Raises Stale when there is one of that name.

        ``prefix`` is what the names of Hob's branches begin with here.

        https://docs.github.com/en/rest/git/refs#create-a-reference
        """
        if not prefix or not branch.startswith(prefix):
            raise ValueError(f"{branch!r} is not one of Hob's branches")
        try:
            await self._publish("/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha}, repeatable=False)
        except Rejected as refused:
            if "already exists" not in refused.said:
                raise
            raise Stale(f"{branch} exists already", status=409) from None

    async def advance_branch(self, branch: str, sha: str, *, prefix: str = OWN_BRANCHES) -> None:
        """Move a branch of Hob's own to a descendant of its head. Raises Stale where the commit is not one.

        https://docs.github.com/en/rest/git/refs#update-a-reference
        """
        if not prefix or not branch.startswith(prefix):
            raise ValueError(f"{branch!r} is not one of Hob's branches")
        url = self._url("/git/refs/heads/{+branch}")
        try:
            await self._publishing.patch(url, self._vars({"branch": branch}), data={"sha": sha})
        except Rejected as refused:
            if "fast forward" not in refused.said:
                raise
            raise Stale(f"{branch} is elsewhere", status=409) from None

    async def _make_entry(self, file: FileChange) -> Json:
        """A file of a tree: its text as it is, else the name of a blob made for it."""
        entry: Json = {"path": file.path, "mode": f"{file.mode or 0o100644:06o}", "type": "blob"}
        if file.kind is ChangeKind.DELETED:
            return {**entry, "mode": "100644", "sha": None}
        try:
            text = file.data.decode("utf-8")
        except UnicodeDecodeError:
            text = "\0"
        if "\0" not in text:
            return entry | {"content": text}
        blob = {"content": base64.b64encode(file.data).decode("ascii"), "encoding": "base64"}
        made = await self._publish("/git/blobs", blob)
        return entry | {"sha": parse(made, "blob", lambda one: one.text("sha"))}

    async def _publish(self, path: str, data: Json, *, repeatable: bool = True) -> Json:
        extra = {SAFE_TO_REPEAT: "yes"} if repeatable else {}
        made: Json = await self._publishing.post(
            self._url(path), self._vars({}), data=data, extra_headers=extra
        )
        return made


def _repository(answer: Fields) -> Repo:
    return Repo(
        id=answer.number("id"),
        owner=answer.object("owner").text("login"),
        name=answer.text("name"),
        default_branch=answer.text("default_branch"),
        clone_url=answer.text("clone_url"),
        private=answer.flag("private"),
    )


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


def _parse_git_commit(made: Fields) -> tuple[str, bool]:
    verification = made.maybe("verification")
    return made.text("sha"), verification.flag("verified") if verification else False


def _parse_created_commit(data: Fields) -> tuple[str, str]:
    commit = data.object("createCommitOnBranch").object("commit")
    return commit.text("oid"), commit.object("tree").text("oid")
