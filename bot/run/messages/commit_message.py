"""The commit's message, and the title that it shares with the pull request."""

from __future__ import annotations

import re

from bot.domain import Outcome, Task
from bot.text.defuse import defuse_plain_text


def render_title(task: Task, outcome: Outcome) -> str:
    """One line for the pull request and the commit, at most 72 characters where it can be cut at a word."""
    line = " ".join(defuse_plain_text(outcome.title or task.thread.title or "Change").split())
    if len(line) <= 72:
        return line
    return line[:71].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


def render_commit_message(task: Task, outcome: Outcome, *, run_url: str, email_domain: str) -> str:
    """Title, summary and trailers: the requester as co-author, the run, and the task for look-ups."""
    who = task.requester
    trailers = [
        f"Co-authored-by: {who.login} <{who.id}+{who.login}@{email_domain}>",
        f"Hob-Run: {run_url}",
        f"Hob-Task: {task.id}",
    ]
    summary = defuse_plain_text(re.sub(r"[#*`]+", "", outcome.summary)).strip()
    return (
        "\n\n".join(part for part in (render_title(task, outcome), summary, "\n".join(trailers)) if part)
        + "\n"
    )
