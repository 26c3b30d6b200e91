"""The pull request: opened once, and described again from all of it whenever commits were added.

Hob's words stand in a block between two hidden marks. What people write around it stays, and where they took
a mark away the whole text is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain import EffectKind, TaskKind
from bot.github.fit import mark
from bot.run import report
from bot.run.handover import Handover
from bot.run.voice import Voice

Json = dict[str, Any]
BEGIN, END = mark("begin"), mark("end")


async def pull_request(voice: Voice, handover: Handover) -> Json:
    """The branch's pull request, opened unless it was: one that a person closed meanwhile counts."""
    task, api, result = voice.task, voice.api, handover.result
    if task.kind is TaskKind.REVISE:
        return await api.pull(task.thread.number)
    existing = await api.pull_by_head(handover.branch)
    if existing is not None:
        return existing
    title = voice.safe(report.title(task, result.outcome))
    words = report.pull_body(task, result, hidden=handover.hidden, run_url=handover.run_url)
    body = voice.safe(f"{mark(f'thread:{task.thread.number}')}\n{framed(words)}")
    return await voice.effects.once(
        f"task:{task.id}:pull:{handover.branch}",
        EffectKind.PULL,
        find=lambda: api.pull_by_head(handover.branch),
        do=lambda: api.open_pull(title, body, handover.branch, task.repo.default_branch),
    )


async def again(voice: Voice, pull: Mapping[str, Any], handover: Handover) -> None:
    """Describe a pull request that got one more commit, from all of its commits and files."""
    number, body = int(pull["number"]), str(pull.get("body") or "")
    if pull["state"] != "open" or BEGIN not in body or END not in body.split(BEGIN, 1)[1]:
        return
    listed = await voice.api.pull_commits(number)
    commits = [(str(one["sha"]), str(one["commit"]["message"])) for one in listed]
    files = await voice.api.pull_files(number)
    words = report.pull_body_again(voice.task, handover.result, commits, files, run_url=handover.run_url)
    told = "\n\n".join(part for part in (words, _closing_line(body)) if part)
    await voice.api.update_pull(number, body=voice.safe(replaced(body, told)))


def framed(words: str) -> str:
    """Hob's own block."""
    return f"{BEGIN}\n\n{words}\n\n{END}"


def replaced(body: str, words: str) -> str:
    """``body`` with other words in Hob's block, and everything around it as it is."""
    before, _, rest = body.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{framed(words)}{after}"


def _closing_line(body: str) -> str:
    """The line by which Hob's block closes its issue, kept as it was."""
    block = body.partition(BEGIN)[2].partition(END)[0]
    lines: Sequence[str] = [line for line in block.splitlines() if report.CLOSES.fullmatch(line)]
    return lines[0] if lines else ""
