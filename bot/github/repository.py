"""One repository as the bot reaches it: what every noun (threads, pulls, reviews ...) has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.github.answers import Json
from bot.github.http.client import SAFE_TO_REPEAT, Client

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AppInfo:
    """Who the bot is. ``bot_id`` is the user id that its comments are written by."""

    id: int
    slug: str
    bot_login: str
    bot_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoAddress:
    """Which repository, through which installation. After a renaming GitHub redirects from the old name."""

    installation: int
    repo_id: int
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


class Repository:
    """The base of each part of ``RepoApi``: paths below ``/repos/{owner}/{repo}``, expanded by template."""

    def __init__(
        self,
        client: Client,
        address: RepoAddress,
        identify: Callable[[], Awaitable[AppInfo]],
    ) -> None:
        """``identify`` says who the bot is; it is asked only where that matters."""
        self._client = client
        self._address = address
        self._identify = identify

    async def _get(self, path: str, **vars_: Any) -> Any:
        return await self._client.getitem(self._url(path), self._vars(vars_))

    def _pages(self, path: str, **vars_: Any) -> AsyncIterator[Any]:
        variables = self._vars({"per_page": PAGE, **vars_})
        return self._client.getiter(self._url(path), variables, iterable_key=None)

    async def _post(self, path: str, data: Json, *, safe_to_repeat: bool = False, **vars_: Any) -> Json:
        extra = {SAFE_TO_REPEAT: "yes"} if safe_to_repeat else {}
        made: Json = await self._client.post(
            self._url(path), self._vars(vars_), data=data, extra_headers=extra
        )
        return made

    async def _patch(self, path: str, data: Json, **vars_: Any) -> Json:
        changed: Json = await self._client.patch(self._url(path), self._vars(vars_), data=data)
        return changed

    async def _is_own(self, item: Json) -> bool:
        """Whether the bot itself wrote this: by id, never by a name that somebody could take."""
        app = await self._identify()
        via = (item.get("performed_via_github_app") or {}).get("id")
        return (item.get("user") or {}).get("id") == app.bot_id or via == app.id

    def _url(self, path: str) -> str:
        return "/repos/{owner}/{repo}" + path

    def _vars(self, more: Json) -> dict[str, str]:
        at = {"owner": self._address.owner, "repo": self._address.name, **more}
        return {name: str(value) for name, value in at.items() if value is not None}
