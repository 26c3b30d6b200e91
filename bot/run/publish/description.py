"""The pull request: opened once, and described again from all of it whenever commits were added.

Hob's text stands in a block between two hidden marks. What users write around it stays; where they removed a
mark, the whole text is theirs and stays as it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from bot.domain import EffectKind, ProvenChange, Result, Task
from bot.errors import UserError
from bot.github.answers import Pull
from bot.github.app import RepoApi
from bot.github.http.responses import Rejected
from bot.run.messages.changed_files import render_changed_files
from bot.run.messages.commit_message import render_title
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.invisible_text import render_suspicions
from bot.run.messages.origin import render_origin, render_run_link
from bot.run.messages.proof import render_proof, render_warning
from bot.run.messages.pull_request import render_limit_note, render_pull_body
from bot.run.messages.short_proof import render_proof_since
from bot.run.publish.context import PublishContext
from bot.run.publish.first_work import FirstWork
from bot.run.publish.fork_branch import LandingWay
from bot.text.defuse import code_span, defuse, defuse_line
from bot.text.fit import mark
from bot.workspace.fork import on_its_own

CLOSES = re.compile(r"(?:Fixes|Refs) #[0-9]+")
_TRAILER = re.compile(r"^[A-Za-z][\w-]*: ")
CONTINUES = (
    "Continues #{} by `@{}`, whose commits are below mine. The last line of my commits, `skip-checks: true`, "
    "keeps workflows away: here they would run code from a fork with the secrets of this repository. Read "
    "the commits, then push one yourself to have them run. If you squash, drop that line from the message, "
    "or the workflows of `{}` may skip the merge too."
)
CONTINUED = re.compile(r"Continues #[0-9]+ by ")
BEGIN, END = mark("begin"), mark("end")


async def open_pull_request(context: PublishContext, proven: ProvenChange, way: LandingWay) -> Pull:
    """Open the branch's pull request, or return the one that was opened, also if it was closed meanwhile.

    ``way`` is how a change to a fork's pull request was published.
    """
    task, api, result, fork = context.task, context.api, proven.result, proven.fork
    if way in (LandingWay.TO_FORK, LandingWay.PATCH) or on_its_own(task, proven.branch):
        return await api.pulls.get(task.thread.number)
    existing = await api.pulls.find_by_branch(proven.branch)
    if existing is not None and (fork is None or existing.is_open):
        return existing
    title = context.safe(render_title(task, result.outcome))
    base = fork.base if fork else task.repo.default_branch
    body = await asyncio.to_thread(_render_body, context, proven)
    return await context.effects.once_as(
        Pull,
        f"task:{task.id}:pull:{proven.branch}",
        EffectKind.PULL,
        find=lambda: api.pulls.find_by_branch(proven.branch),
        do=lambda: open_on_base(api, title, body, proven.branch, base, is_default=fork is None),
    )


def _render_body(context: PublishContext, proven: ProvenChange) -> str:
    """The description of a new pull request; slow (0.25 s) for a hostile model's texts."""
    task, fork = context.task, proven.fork
    text = render_pull_body(
        task, proven.result, hidden=proven.hidden, run_url=proven.run_url, choice=proven.choice
    )
    if fork:
        text = f"{CONTINUES.format(fork.number, task.thread.author.login, fork.base)}\n\n{text}"
    return context.safe(f"{mark(f'thread:{task.thread.number}')}\n{frame_block(text)}")


async def open_on_base(
    api: RepoApi, title: str, body: str, branch: str, base: str, *, is_default: bool
) -> Pull:
    """Open it, on the default branch's present name where that was renamed. Raises UserError."""
    try:
        return await api.pulls.open(title, body, branch, base)
    except Rejected:
        if await api.commits.find_branch_head(base) is not None:
            raise
    now = await api.commits.find_default_branch() if is_default else base
    if now == base:
        raise UserError(
            f"The branch {code_span(base)} that this is for is gone, so I opened no pull request.",
            phase="publish",
        )
    return await api.pulls.open(title, body, branch, now)


async def update_description(
    context: PublishContext, pull: Pull, proven: ProvenChange, first: FirstWork | None
) -> None:
    """Describe a pull request that got one more commit, from all of its commits and files.

    ``first`` is the work that opened it, None where nothing is stored of it. The title stays, unless it is
    Hob's own and nothing is left of the commit that it was made for.
    """
    number, body = pull.number, pull.body
    if not pull.is_open or BEGIN not in body or END not in body.split(BEGIN, 1)[1]:
        return
    listed = await context.api.pulls.list_commits(number)
    commits = [(one.sha, one.message) for one in listed]
    files = [(file.path, file.status) for file in await context.api.pulls.list_files(number)]
    title = None
    if len(commits) > 1 and pull.title == commits[0][1].partition("\n")[0]:
        begun = await context.api.commits.list_files(commits[0][0])
        if not set(begun) & {path for path, _ in files}:
            title = context.safe(render_title(context.task, proven.result.outcome))
    opening = "" if title or not commits else commits[0][1]

    def render() -> str:
        text = render_updated_description(
            context.task, proven.result, commits, files, run_url=proven.run_url, begun=opening, first=first
        )
        block = "\n\n".join(part for part in (text, *_find_kept_lines(body)) if part)
        return context.safe(replace_block(body, block))

    await context.api.pulls.update(number, title=title, body=await asyncio.to_thread(render))


def frame_block(text: str) -> str:
    """Hob's own block."""
    return f"{BEGIN}\n\n{text}\n\n{END}"


def replace_block(body: str, text: str) -> str:
    """``body`` with other text in Hob's block, and everything around it as it is."""
    before, _, rest = body.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{frame_block(text)}{after}"


async def add_reference(context: PublishContext, pull: Pull, issue: int) -> None:
    """Note in Hob's block of a pull request that it is about another issue too; once is enough."""
    body = pull.body
    block = body.partition(BEGIN)[2].partition(END)[0]
    named = re.search(rf"^(?:Fixes|Refs) #{issue}$", block, re.MULTILINE)
    if BEGIN in body and END in body.split(BEGIN, 1)[1] and not named:
        text = f"{block.strip()}\n\nRefs #{issue}"
        await context.api.pulls.update(pull.number, body=replace_block(body, text))


def _find_kept_lines(body: str) -> Sequence[str]:
    """The lines of Hob's block that stay: which issues it is about, and that it goes on a fork's."""
    block = body.partition(BEGIN)[2].partition(END)[0]
    return [line for line in block.splitlines() if CLOSES.fullmatch(line) or CONTINUED.match(line)]


def render_updated_description(
    task: Task,
    result: Result,
    commits: Sequence[tuple[str, str]],
    files: Sequence[tuple[str, str]],
    *,
    run_url: str,
    begun: str = "",
    first: FirstWork | None = None,
) -> str:
    """The description of a pull request that got more commits: all of them, all files, the newest proof.

    ``commits`` are (sha, message), oldest first; ``files`` are (path, what happened to it). The text begins
    with the summary of the ``first`` work, else with what ``begun``, the first commit's message, says; with
    the newest summary where nothing is left of that commit and ``begun`` is ''.
    """
    if not begun:
        summary, first = defuse(result.outcome.summary), None
    else:
        summary = defuse(first.summary) if first and first.summary else _strip_commit_message(begun)
    rows = [
        f"- {sha[:12]} {defuse_line(message.splitlines()[0])}" for sha, message in commits[-50:] if message
    ]
    earlier = first.warnings if first else ()
    standing = [render_warning(each) for each in earlier if each not in result.proof.warnings]
    since = render_proof_since(first.proof, result.proof) if first else ""
    parts = [
        summary,
        "### Commits\n\n" + "\n".join(rows) if len(rows) > 1 else "",
        "### What changed\n\n" + render_changed_files(files),
        "".join(standing).strip(),
        render_suspicions(result.outcome.suspicions),
        render_limit_note(result.outcome),
        "### Proof of the newest commit",
        since,
        render_proof(result.proof, output=False, base="the commit before" if since else "base"),
        render_held_paths(result),
        f"{render_origin(task, again=True)} {render_run_link(run_url)}",
    ]
    return "\n\n".join(part for part in parts if part)


def _strip_commit_message(message: str) -> str:
    """A commit message's text without its title and trailers."""
    paragraphs = re.split(r"\n{2,}", message.strip())[1:]
    if paragraphs and all(_TRAILER.match(line) for line in paragraphs[-1].splitlines()):
        paragraphs.pop()
    return defuse("\n\n".join(paragraphs))
