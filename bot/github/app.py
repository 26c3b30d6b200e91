"""The app on GitHub (`GitHub`) and one repository through it (`RepoApi`): what the other rooms hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from bot.errors import UserError
from bot.github.checks import Checks
from bot.github.client import SAFE_TO_REPEAT, Client, Exchange
from bot.github.commits import Commits
from bot.github.etags import ETags
from bot.github.issues import Issues
from bot.github.outcome import Outcomes
from bot.github.pace import Pace
from bot.github.permissions import Permissions
from bot.github.pulls import Pulls
from bot.github.recent import Recent
from bot.github.repository import AppInfo, RepoAddress
from bot.github.review_threads import ReviewThreads
from bot.github.reviews import Reviews
from bot.github.tokens import (
    Anonymous,
    AppCredential,
    InstallationCredential,
    Purpose,
    Scope,
    Tokens,
)
from bot.github.webhook_deliveries import WebhookDeliveries

Made = TypeVar("Made")


class RepoApi:
    """All that the bot can do in one repository, by subject. There is no way here to approve or merge."""

    def __init__(
        self,
        client: Client,
        place: RepoAddress,
        *,
        identify: Callable[[], Awaitable[AppInfo]],
        tokens: Tokens,
        publishing: Client,
        settle: float = 60.0,
    ) -> None:
        self._place = place
        self._tokens = tokens
        self.pulls = Pulls(client, place, identify, settle=settle)
        self.issues = Issues(client, place, identify)
        self.reviews = Reviews(client, place, identify)
        self.review_threads = ReviewThreads(client, place, identify)
        self.checks = Checks(client, place, identify)
        self.commits = Commits(client, place, identify, publishing=publishing)
        self.permissions = Permissions(client, place, identify)
        self.outcome = Outcomes(client, place, identify)
        self.recent = Recent(client, place, identify)

    async def with_token(self, purpose: Purpose, do: Callable[[str], Awaitable[Made]]) -> Made:
        """What ``do`` gives with a token for git, once more with a new one when git is turned away."""
        token = await self.token(purpose)
        try:
            return await do(token)
        except UserError as turned_away:
            if not getattr(turned_away, "unauthorized", False):
                raise
        return await do(await self.token(purpose, refused=token))

    async def token(self, purpose: Purpose = Purpose.FETCH, *, refused: str = "") -> str:
        """A token for git, for this repository: FETCH reads, PUBLISH pushes and is asked for only then.

        ``refused`` names a token that git was turned away with, so that a new one is minted.
        """
        scope = Scope(installation=self._place.installation, repo=self._place.repo_id, purpose=purpose)
        if refused:
            self._tokens.drop(scope, refused)
        return await self._tokens.get(scope)


class GitHub:
    """The app. Holds the private key, the tokens and the pace of every installation; one per process."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        app_id: int,
        private_key: str,
        write_spacing: float = 1.0,
        timeout: float = 20.0,
        backoff: float = 0.5,
        settle: float = 60.0,
        on_token: Callable[[str], None] | None = None,
        observe: Callable[[Exchange], None] | None = None,
    ) -> None:
        """``write_spacing`` is the seconds between writes of an installation; 0 is for a GitHub of one's own.

        ``settle`` bounds the wait for GitHub to see a branch just pushed. ``on_token`` hears every token
        minted (to redact it), ``observe`` every request made (to count it).
        """
        self._session = session
        self._options: dict[str, Any] = {
            "api_url": api_url,
            "timeout": timeout,
            "backoff": backoff,
            "observe": observe,
        }
        self._write_spacing = write_spacing
        self._settle = settle
        self._paces: dict[int, Pace] = {}
        self._etags = ETags()
        app = AppCredential(app_id, private_key)
        # Minting is no content: the app's own requests need no spacing.
        self._app = Client(session, credential=app, pace=Pace(write_spacing=0), **self._options)
        self._spaced = Client(
            session, credential=app, pace=Pace(write_spacing=write_spacing), **self._options
        )
        self._tokens = Tokens(self._app, mark=SAFE_TO_REPEAT, on_token=on_token)
        self._known: AppInfo | None = None
        self._identifying = asyncio.Lock()

    async def app(self) -> AppInfo:
        """Who the bot is, asked once.

        https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
        https://docs.github.com/en/rest/users/users#get-a-user
        """
        async with self._identifying:
            if self._known is None:
                app = await self._app.getitem("/app")
                login = f"{app['slug']}[bot]"
                user = await (await self._anyone()).getitem("/users/{login}", {"login": login})
                self._known = AppInfo(id=app["id"], slug=app["slug"], bot_login=login, bot_id=user["id"])
            return self._known

    def for_repo(self, installation: int, repo_id: int, owner: str, name: str) -> RepoApi:
        """One repository, spoken to with a token that reaches no other. Costs nothing until it is used."""
        place = RepoAddress(installation=installation, repo_id=repo_id, owner=owner, name=name)
        talking, publishing = (
            self._client(Scope(installation=installation, repo=repo_id, purpose=purpose))
            for purpose in (Purpose.TALK, Purpose.PUBLISH)
        )
        return RepoApi(
            talking,
            place,
            identify=self.app,
            settle=self._settle,
            tokens=self._tokens,
            publishing=publishing,
        )

    @property
    def hook(self) -> WebhookDeliveries:
        """The app's webhook and where it is installed."""

        def client_of(installation: int) -> Client:
            return self._client(Scope(installation=installation, repo=0, purpose=Purpose.IDENTIFY))

        return WebhookDeliveries(self._spaced, client_of)

    def forget(self, installation: int) -> None:
        """The app was uninstalled or suspended there: keep no token of it."""
        self._tokens.forget(installation)
        self._paces.pop(installation, None)
        self._etags.clear()

    def _client(self, scope: Scope) -> Client:
        pace = self._paces.setdefault(scope.installation, Pace(write_spacing=self._write_spacing))
        credential = InstallationCredential(self._tokens, scope)
        return Client(
            self._session, credential=credential, pace=pace, etags=self._etags, realm=scope, **self._options
        )

    async def _anyone(self) -> Client:
        """A client that may look up a user: GitHub refuses the app's JWT there.

        https://docs.github.com/en/rest/apps/apps#list-installations-for-the-authenticated-app
        """
        listed = await self._app.getitem("/app/installations{?per_page}", {"per_page": "100"})
        for one in listed:
            if not one.get("suspended_at"):
                return self._client(Scope(installation=one["id"], repo=0, purpose=Purpose.IDENTIFY))
        return Client(self._session, credential=Anonymous(), pace=Pace(), **self._options)
