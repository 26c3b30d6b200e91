"""The app's own webhook as GitHub sees it: what did not arrive, and asking for it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.github.answers import Json, parse
from bot.github.http.client import SAFE_TO_REPEAT, Client
from bot.text.json_fields import Fields

KEPT_FOR = timedelta(days=3)  # how long GitHub has a delivery that it can be asked for again


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempt:
    """One attempt of GitHub's to deliver; attempts of one delivery share its ``guid``.

    ``why`` is what GitHub says came of it, such as ``503 Service Unavailable``.
    """

    id: int
    guid: str
    event: str
    at: datetime
    action: str = ""
    is_delivered: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostDelivery:
    """A delivery of which no attempt succeeded: the newest attempt, and how many there were."""

    newest: DeliveryAttempt
    attempts: int


def find_lost(attempts: Iterable[DeliveryAttempt]) -> list[LostDelivery]:
    """The deliveries of which none of these attempts succeeded, the oldest first.

    ``attempts`` are listed as GitHub lists them, the newest first.
    """
    by_guid: dict[str, list[DeliveryAttempt]] = {}
    for attempt in attempts:
        by_guid.setdefault(attempt.guid, []).append(attempt)
    return [
        LostDelivery(newest=each[0], attempts=len(each))
        for each in reversed(by_guid.values())
        if not any(attempt.is_delivered for attempt in each)
    ]


def parse_attempt(answer: Json) -> DeliveryAttempt:
    """One attempt as GitHub lists it. Raises BadAnswer.

    https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
    """
    return parse(answer, "delivery", _attempt)


class WebhookDeliveries:
    """The deliveries of the app's webhook; ``app`` is a client with its JWT."""

    def __init__(self, app: Client) -> None:
        self._app = app

    async def list_failed(self, since: datetime) -> list[DeliveryAttempt]:
        """The attempts that failed since then, newest first. GitHub keeps them for three days.

        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        found: list[DeliveryAttempt] = []
        path = "/app/hook/deliveries{?per_page,status}"
        async for one in self._app.getiter(path, {"per_page": "100", "status": "failure"}):
            attempt = parse_attempt(one)
            if attempt.at < since:
                break
            found.append(attempt)
        return found

    async def read_payload(self, attempt: int) -> Mapping[str, Any]:
        """What the attempt of this number sent; empty where GitHub does not show it.

        https://docs.github.com/en/rest/apps/webhooks#get-a-delivery-for-an-app-webhook
        """
        answer = await self._app.getitem("/app/hook/deliveries/{id}", {"id": str(attempt)})
        request = answer.get("request") if isinstance(answer, dict) else None
        payload = request.get("payload") if isinstance(request, dict) else None
        return payload if isinstance(payload, dict) else {}

    async def redeliver(self, attempt: int) -> None:
        """Have GitHub repeat the attempt of this number, with the same GUID; asked twice it comes twice.

        https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
        """
        await self._app.post(
            "/app/hook/deliveries/{id}/attempts",
            {"id": str(attempt)},
            data={},
            extra_headers={SAFE_TO_REPEAT: "yes"},
        )


def _attempt(delivery: Fields) -> DeliveryAttempt:
    return DeliveryAttempt(
        id=delivery.number("id"),
        guid=delivery.text("guid"),
        event=delivery.text("event"),
        action=delivery.text("action", ""),
        at=delivery.time("delivered_at"),
        is_delivered=delivery.text("status", "") == "OK",
        why=f"{delivery.number('status_code', 0) or ''} {delivery.text('status', '')}".strip(),
    )
