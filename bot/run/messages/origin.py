"""Where a task came from: who asked for it, or which failing check did; and the link to its run."""

from __future__ import annotations

from bot.domain import Task
from bot.domain.check_trigger import is_automatic


def render_origin(task: Task, *, again: bool = False) -> str:
    """The sentence of a pull request's description; ``again`` when it is about its newest commit."""
    who = f"`@{task.requester.login}`"
    if is_automatic(task):
        return f"{'Last made' if again else 'Made'} for the failing check {_check(task)}, on behalf of {who}."
    return f"{'Last asked' if again else 'Asked'} for by {who} in {task.trigger.url}."


def render_unasked(task: Task) -> str:
    """Why a task exists that no comment asked for; '' where one did."""
    return f"For the failing check {_check(task)}." if is_automatic(task) else ""


def _check(task: Task) -> str:
    name = " ".join(task.trigger.path.replace("`", " ").split())[:100]
    url = task.trigger.url
    return f"[`{name}`]({url})" if url.startswith("http") and not set(url) & set(" ()<>\n") else f"`{name}`"


def render_run_link(run_url: str) -> str:
    """A link to the run's page; '' without one."""
    return f"[Run]({run_url})" if run_url else ""
