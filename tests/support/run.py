"""A task as the run room gets it."""

from __future__ import annotations

from datetime import UTC, datetime

from markdown_it import MarkdownIt

from bot.domain import Person, Repo, Task, TaskKind, TaskState, Thread, Trigger, TriggerKind

ANN = Person(id=7, login="ann")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
TASK = Task(
    id=5,
    kind=TaskKind.CHANGE,
    state=TaskState.RUNNING,
    installation=1,
    repo=Repo(id=2, owner="o", name="r", default_branch="main", clone_url="https://x/o/r.git"),
    thread=Thread(
        number=3, is_pull=False, title="It breaks", body="", author=ANN, url="https://x/o/r/issues/3"
    ),
    trigger=Trigger(kind=TriggerKind.ISSUE, id=9, text="t", author=ANN, url="https://x/o/r/issues/3", at=NOW),
    requester=ANN,
    request="fix it",
    created_at=NOW,
    updated_at=NOW,
)


def prose_of(markdown: str) -> str:
    """The text outside code, as a reader sees it."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inline = (child for token in tokens for child in token.children or ())
    html = [token.content for token in tokens if token.type == "html_block" and "hob:" not in token.content]
    return "\n".join([*(c.content for c in inline if c.type in ("text", "html_inline")), *html])
