"""Pull requests: found by their branch, opened as drafts, described, closed. Nothing merges or approves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.backoff import compute_backoff
from bot.github.answers import Commit, Pull, PullFile
from bot.github.http.client import Client
from bot.github.http.responses import Rejected
from bot.github.repository import AppInfo, RepoAddress, Repository
from bot.text.fit import fit, one_line

# A branch that was just pushed is at times not there yet for the API.
NOT_YET = ("no commits between", "does not exist", "head is invalid", "invalid for 'head'", "head invalid")


class Pulls(Repository):
    """The bot's own pull requests, and those it is asked on."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
        *,
        settle: float = 60.0,
    ) -> None:
        """``settle`` bounds, in seconds, the wait for GitHub to see a branch that was just pushed."""
        super().__init__(client, address, identify)
        self._settle = settle

    async def get(self, number: int) -> Pull:
        """One pull request.

        https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
        """
        return Pull.from_json(await self._get("/pulls/{number}", number=number))

    async def list_files(self, number: int) -> list[PullFile]:
        """Every file of a pull request; at most 300.

        https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
        """
        listed = self._pages("/pulls/{number}/files{?per_page}", number=number)
        return [PullFile.from_json(file) async for file in listed]

    async def list_own_open(self, base: str) -> list[Pull]:
        """The bot's own open pull requests onto ``base``, the newest first, among the newest hundred.

        https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
        """
        app = await self._identify()
        path = "/pulls{?base,state,sort,direction,per_page}"
        listed = await self._get(
            path, base=base, state="open", sort="created", direction="desc", per_page=100
        )
        pulls = [Pull.from_json(answer) for answer in listed]
        return [
            pull for pull in pulls if pull.author.id == app.bot_id and self._is_from_here(pull, pull.head.ref)
        ]

    async def list_commits(self, number: int) -> list[Commit]:
        """The commits of a pull request, oldest first; at most 250.

        https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request
        """
        listed = self._pages("/pulls/{number}/commits{?per_page}", number=number)
        return [Commit.from_json(commit) async for commit in listed]

    async def find_by_branch(self, branch: str, *, state: str = "all") -> Pull | None:
        """The pull request from this repository's ``branch``: an open one, else the newest, else None.

        A fork's branch of the same name does not count.
        https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
        """
        path = "/pulls{?head,state,sort,direction,per_page}"
        head = f"{self._address.owner}:{branch}"
        listed = self._pages(path, head=head, state=state, sort="created", direction="desc")
        pulls = [Pull.from_json(answer) async for answer in listed]
        ours = [pull for pull in pulls if self._is_from_here(pull, branch)]
        return next((pull for pull in ours if pull.is_open), ours[0] if ours else None)

    async def open(self, name: str, body: str, head: str, base: str, draft: bool = True) -> Pull:
        """Open a pull request titled ``name``, or hand back the one that is open for ``head`` already.

        Waits up to a minute for a branch that the API does not see yet. Where the plan of the repository
        has no drafts, it is opened as an ordinary one.
        https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
        """
        wanted = {"title": one_line(name), "body": fit(body), "head": head, "base": base, "draft": draft}
        waited, refusals = 0.0, 0
        while True:
            pause = compute_backoff(refusals + 1, first=0.5, longest=15.0)
            try:
                return Pull.from_json(await self._post("/pulls", wanted))
            except Rejected as error:
                if "already exists" in error.said and (
                    found := await self.find_by_branch(head, state="open")
                ):
                    return found
                if "draft pull requests are not supported" in error.said and wanted["draft"]:
                    wanted["draft"] = False
                    continue
                if not any(words in error.said for words in NOT_YET) or waited + pause > self._settle:
                    raise
            await self._client.sleep(pause)
            waited, refusals = waited + pause, refusals + 1

    async def update(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        """Change the title or the body.

        https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request
        """
        wanted = {"title": None if title is None else one_line(title), "body": body and fit(body)}
        given = {key: value for key, value in wanted.items() if value is not None}
        await self._patch("/pulls/{number}", given, number=number)

    async def close(self, number: int) -> None:
        """Close a pull request; the caller has checked that it is the bot's own.

        https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request
        """
        await self._patch("/pulls/{number}", {"state": "closed"}, number=number)

    def _is_from_here(self, pull: Pull, branch: str) -> bool:
        return pull.head.ref == branch and pull.head.repo_id == self._address.repo_id
