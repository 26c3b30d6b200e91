"""The commit's message, and the title that it shares with the pull request."""

from __future__ import annotations

import unicodedata

from bot.domain import Outcome, Task
from bot.text.commit_text import defuse_plain_text

LONGEST_TITLE = 72


def render_title(task: Task, outcome: Outcome) -> str:
    """One line for the pull request and the commit: at most 72 characters, cut at a word if there is one."""
    line = " ".join(defuse_plain_text(outcome.title or task.thread.title or "Change").split())
    if len(line) <= LONGEST_TITLE:
        return line
    end = LONGEST_TITLE - 1
    while unicodedata.category(line[end]) in ("Mn", "Mc", "Me", "Cf"):  # what belongs to the letter before it
        end -= 1
    words = line[:end].rsplit(" ", 1)[0]
    cut = words if len(words) > end // 2 else line[:end]  # not every script has blanks between words
    return cut.rstrip(" ,.;:、，。") + "…"


def render_commit_message(task: Task, outcome: Outcome, *, run_url: str, email_domain: str) -> str:
    """Title, summary and trailers: the requester as co-author, the run, and the task for look-ups."""
    who = task.requester
    trailers = [
        f"Co-authored-by: {who.login} <{who.id}+{who.login}@{email_domain}>",
        f"Hob-Run: {run_url}",
        f"Hob-Task: {task.id}",
    ]
    summary = defuse_plain_text(outcome.summary).strip()
    return (
        "\n\n".join(part for part in (render_title(task, outcome), summary, "\n".join(trailers)) if part)
        + "\n"
    )
