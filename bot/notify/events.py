"""Which events people are notified of outside GitHub, who, and with which text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain import Task
from bot.repo_config import NotifyWishes
from bot.settings import NotifySettings
from bot.tasks.notices.records import NewNotice, NoticeRecords

_WORDS = {
    "failed": "failed",
    "approval": "waits for a maintainer's approval",
    "budget": "used its budget",
}
LONGEST = 300  # characters of a reason or a title


async def note_event(
    store: NoticeRecords,
    settings: NotifySettings,
    task: Task,
    event: str,
    *,
    base_url: str,
    why: str = "",
    key: str = "",
) -> None:
    """Make the notices of an event of a task, one for each target that subscribes to it; ``why`` is redacted
    already.

    ``event`` is failed, approval or budget. Calling it again changes nothing, by ``key``: the task's own
    where it is empty.
    """
    body = make_body(task, event, base_url=base_url, why=why)
    wanted: list[tuple[str, str]] = []
    if settings.webhook:
        wanted.append(("operator webhook", settings.webhook.get_secret_value()))
    if settings.email:
        wanted.append(("operator e-mail", settings.email))
    stored = await store.load_notify_wishes(task.repo.id)
    wishes = NotifyWishes(**stored) if stored else NotifyWishes()
    if wishes.webhook and event in wishes.events:
        wanted.append(("repository webhook", wishes.webhook))
    await store.add_notices(
        [
            NewNotice(
                key=key or f"{event}:{task.id}", target=target, task=task.id, address=address, body=body
            )
            for target, address in wanted
        ]
    )


def make_body(task: Task, event: str, *, base_url: str, why: str) -> Mapping[str, Any]:
    """A message that Slack and what speaks its language takes, with the facts beside the text.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and, for the facts,
    https://docs.slack.dev/messaging/message-metadata
    """
    place = f"{task.repo.full_name}#{task.thread.number}"
    title = _escape(" ".join(task.thread.title.split())[:LONGEST])
    reason = f"\n{_escape(' '.join(why.split())[:LONGEST])}" if why else ""
    page = f"{base_url}/tasks/{task.id}"
    head = f"Hob: <{_escape(task.thread.url)}|{_escape(place)}> {title}: {_WORDS[event]}."
    facts = {
        "event": event,
        "task": task.id,
        "repository": task.repo.full_name,
        "thread": task.thread.number,
        "url": task.thread.url,
        "page": page,
    }
    return {
        "text": f"{head}{reason}\n<{page}|What it did>",
        "metadata": {"event_type": f"hob_{event}", "event_payload": facts},
    }


def _escape(text: str) -> str:
    """What a stranger wrote calls nobody: ``<!channel>`` is a mention, and ``<url|text>`` a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "/")
