"""The app on GitHub (`GitHub`) and one repository (`RepoApi`): the interface for the rest of Hob."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from bot.domain import Thread
from bot.errors import UserError
from bot.github.answers import parse
from bot.github.checks import Checks
from bot.github.clone_url import make_clone_url
from bot.github.commits import Commits
from bot.github.conversation import Conversation, DiscussionConversation, IssueConversation
from bot.github.graphql.discussions import Discussions
from bot.github.graphql.outcome import Outcomes
from bot.github.graphql.review_threads import ReviewThreads
from bot.github.graphql.together import Together
from bot.github.http.client import SAFE_TO_REPEAT, Client, Exchange
from bot.github.http.clock import ServerClock
from bot.github.http.etags import ETags
from bot.github.http.pace import Pace, SharedTurns
from bot.github.http.scope import Purpose, Scope
from bot.github.http.tokens import Anonymous, AppCredential, InstallationCredential, Tokens
from bot.github.issues import Issues
from bot.github.job_logs import JobLogs
from bot.github.lost.discussions import RecentDiscussions
from bot.github.lost.installations import Installations
from bot.github.lost.recent import Recent
from bot.github.lost.webhook_deliveries import WebhookDeliveries
from bot.github.permissions import Permissions
from bot.github.pulls import Pulls
from bot.github.repository import AppInfo, RepoAddress
from bot.github.reviews import Reviews
from bot.github.trees import Trees
from bot.text.json_fields import Fields

T = TypeVar("T")


class RepoApi:
    """All that the bot can do in one repository, by subject. There is no way here to approve or merge."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        *,
        identify: Callable[[], Awaitable[AppInfo]],
        tokens: Tokens,
        publishing: Client,
        resolving: Client,
        discussing: Client,
        job_logs: JobLogs,
        settle: float = 60.0,
    ) -> None:
        self._address = address
        self._client = client
        self._tokens = tokens
        self.pulls = Pulls(client, address, identify, settle=settle)
        self.issues = Issues(client, address, identify)
        self.discussions = Discussions(client, address, identify, discussing=discussing)
        self.reviews = Reviews(client, address, identify)
        self.review_threads = ReviewThreads(client, address, identify, resolving=resolving)
        self.checks = Checks(client, address, identify)
        self.together = Together(client, address, identify)
        self.job_logs = job_logs
        self.commits = Commits(client, address, identify, publishing=publishing, settle=settle)
        self.trees = Trees(client, address, identify)
        self.permissions = Permissions(client, address, identify)
        self.outcome = Outcomes(client, address, identify)
        self.recent = Recent(client, address, identify)

    @property
    def is_crowded(self) -> bool:
        """Whether the installation is short of requests, so that optional ones should be left out."""
        return self._client.is_crowded

    def talk(self, thread: Thread) -> Conversation:
        """The conversation of a thread."""
        if thread.is_discussion:
            return DiscussionConversation(self.discussions, thread.number)
        return IssueConversation(self.issues, thread.number)

    async def with_token(self, purpose: Purpose, do: Callable[[str], Awaitable[T]]) -> T:
        """Call ``do`` with a token for git; once more, with a new one, when git was refused that."""
        token = await self.token(purpose)
        try:
            return await do(token)
        except UserError as error:
            if not getattr(error, "unauthorized", False):
                raise
        return await do(await self.token(purpose, rejected=token))

    async def token(self, purpose: Purpose = Purpose.FETCH, *, rejected: str | None = None) -> str:
        """A token for git, for this repository: FETCH to read, PUBLISH to push.

        ``rejected`` is a token that was not accepted any more: it is dropped and a new one is minted.
        """
        scope = Scope(installation=self._address.installation, repo=self._address.repo_id, purpose=purpose)
        if rejected is not None:
            self._tokens.drop(scope, rejected)
        return await self._tokens.get(scope)


class GitHub:
    """The app: its private key, and the tokens and the pace of every installation. One per process."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        app_id: int,
        private_key: str,
        write_spacing: float = 1.0,
        shared_turns: SharedTurns | None = None,
        timeout: float = 20.0,
        backoff: float = 0.5,
        settle: float = 60.0,
        on_token: Callable[[str], None] | None = None,
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        """``write_spacing`` is the seconds between writes of an installation; 0 is for a self-hosted GitHub.

        ``shared_turns`` are those that other processes take too, for each installation. ``settle`` bounds the
        wait for GitHub to see a branch just pushed. ``on_token`` is called with every token minted (to redact
        it), ``observe`` with every request made (to count it).
        """
        self._session = session
        self._options: dict[str, Any] = {
            "api_url": api_url,
            "timeout": timeout,
            "backoff": backoff,
            "observe": observe,
            "clock": (clock := ServerClock()),
        }
        self._write_spacing = write_spacing
        self._shared_turns = shared_turns
        self._settle = settle
        self._paces: dict[int, Pace] = {}
        self._etags = ETags()
        credential = AppCredential(app_id, private_key, clock)
        # Minting a token does not create content: the app's own requests need no spacing.
        self._app = Client(session, credential=credential, pace=Pace(write_spacing=0), **self._options)
        self._spaced = Client(
            session, credential=credential, pace=Pace(write_spacing=write_spacing), **self._options
        )
        self._tokens = Tokens(self._app, mark=SAFE_TO_REPEAT, clock=clock, on_token=on_token)
        self._app_info: AppInfo | None = None
        self._identifying = asyncio.Lock()

    async def identify(self) -> AppInfo:
        """Who the bot is; GitHub is asked once.

        https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
        https://docs.github.com/en/rest/users/users#get-a-user
        """
        async with self._identifying:
            if self._app_info is None:
                app_id, slug = parse(await self._app.getitem("/app"), "app", _id_and_slug)
                login = f"{slug}[bot]"
                user = await (await self._client_for_users()).getitem("/users/{login}", {"login": login})
                bot_id = parse(user, "user", lambda account: account.number("id"))
                self._app_info = AppInfo(id=app_id, slug=slug, bot_login=login, bot_id=bot_id)
            return self._app_info

    def clone_url(self, owner: str, name: str) -> str:
        """Where a repository is cloned from. Raises UserError for a name that GitHub could not have given."""
        return make_clone_url(self._options["api_url"], owner, name)

    def for_repo(
        self, installation: int, repo_id: int, owner: str, name: str, *, talking: Purpose = Purpose.TALK
    ) -> RepoApi:
        """One repository, with tokens that reach no other. No request is made before it is used.

        ``talking`` is the purpose of the token for everything but pushes and fetches.
        """
        address = RepoAddress(installation=installation, repo_id=repo_id, owner=owner, name=name)
        client, publishing, resolving, discussing = (
            self._client(Scope(installation=installation, repo=repo_id, purpose=purpose))
            for purpose in (talking, Purpose.PUBLISH, Purpose.RESOLVE, Purpose.DISCUSS)
        )
        logs = self._client(Scope(installation=installation, repo=repo_id, purpose=Purpose.READ_LOGS))
        return RepoApi(
            client,
            address,
            identify=self.identify,
            settle=self._settle,
            tokens=self._tokens,
            publishing=publishing,
            resolving=resolving,
            discussing=discussing,
            job_logs=JobLogs(logs, address, self.identify, session=self._session),
        )

    @property
    def webhook_deliveries(self) -> WebhookDeliveries:
        """The deliveries of the app's webhook."""
        return WebhookDeliveries(self._spaced)

    @property
    def installations(self) -> Installations:
        """Where the app is installed, and what changed there."""

        def client_of(installation: int) -> Client:
            return self._client(Scope(installation=installation, repo=0, purpose=Purpose.LOOK))

        return Installations(self._spaced, client_of)

    @property
    def recent_discussions(self) -> RecentDiscussions:
        """What was written lately in the discussions of an installation's repositories."""

        def client_of(installation: int) -> Client:
            scope = Scope(installation=installation, repo=0, purpose=Purpose.LOOK_AT_DISCUSSIONS)
            return self._client(scope)

        return RecentDiscussions(client_of)

    def forget_installation(self, installation: int) -> None:
        """Drop the tokens and the pace of an installation where the app was uninstalled or suspended."""
        self._tokens.drop_installation(installation)
        self._paces.pop(installation, None)
        self._etags.clear()

    def _client(self, scope: Scope) -> Client:
        pace = self._paces.get(scope.installation)
        if pace is None:
            pace = self._paces[scope.installation] = Pace(
                write_spacing=self._write_spacing, installation=scope.installation, shared=self._shared_turns
            )
        credential = InstallationCredential(self._tokens, scope)
        return Client(
            self._session,
            credential=credential,
            pace=pace,
            etags=self._etags,
            realm=scope,
            installation=scope.installation,
            **self._options,
        )

    async def _client_for_users(self) -> Client:
        """A client that may look up a user: GitHub refuses the app's JWT there.

        https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
        """
        listed = await self._app.getitem("/app/installations{?per_page}", {"per_page": "100"})
        for one in listed:
            if not one.get("suspended_at"):
                return self._client(Scope(installation=one["id"], repo=0, purpose=Purpose.IDENTIFY))
        return Client(self._session, credential=Anonymous(), pace=Pace(), **self._options)


def _id_and_slug(app: Fields) -> tuple[int, str]:
    return app.number("id"), app.text("slug")
