"""The app's own webhook as GitHub sees it: what did not arrive, and asking for it again; where the app is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.github.client import SAFE_TO_REPEAT, Client

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt of GitHub's to deliver; attempts of one delivery share its ``guid``."""

    id: int
    guid: str
    event: str
    at: datetime


class WebhookDeliveries:
    """The app's deliveries and installations; ``client_of`` one that may list an installation's."""

    def __init__(self, app: Client, client_of: Callable[[int], Client]) -> None:
        self._app = app
        self._client_of = client_of

    async def failed(self, since: datetime) -> list[DeliveryAttempt]:
        """The attempts that failed since then, newest first. GitHub keeps them for three days.

        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        found: list[DeliveryAttempt] = []
        path = "/app/hook/deliveries{?per_page,status}"
        async for one in self._app.getiter(path, {"per_page": "100", "status": "failure"}):
            at = datetime.fromisoformat(one["delivered_at"])
            if at < since:
                break
            found.append(DeliveryAttempt(id=one["id"], guid=one["guid"], event=one["event"], at=at))
        return found

    async def again(self, attempt: DeliveryAttempt) -> None:
        """Have GitHub deliver once more, with the same GUID; asked twice it is delivered twice.

        https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
        """
        await self._app.post(
            "/app/hook/deliveries/{id}/attempts",
            {"id": str(attempt.id)},
            data={},
            extra_headers={SAFE_TO_REPEAT: "yes"},
        )

    async def repositories(self) -> AsyncIterator[tuple[int, Json]]:
        """(installation, repository) of everything the app can see.

        https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-app-installation
        """
        async for installed in self._app.getiter("/app/installations{?per_page}", {"per_page": "100"}):
            if installed.get("suspended_at"):
                continue
            client = self._client_of(int(installed["id"]))
            path = "/installation/repositories{?per_page}"
            listed = client.getiter(path, {"per_page": "100"}, iterable_key="repositories")
            async for repository in listed:
                yield int(installed["id"]), repository
