"""What the agent may see of a task, each text labelled with who wrote it and what they may do.

Only text by people who may write to the repository is an instruction. The trigger is taken from the signed
payload; whatever was written or edited after it is left out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.domain import (
    Brief,
    CommentedLines,
    Permission,
    PromptText,
    Suspicion,
    Task,
    TaskKind,
    Trigger,
    TriggerKind,
    Trust,
)
from bot.github.answers import Comment, Issue, ReviewComment
from bot.injection.score import score_texts
from bot.repo_config import RepoConfig
from bot.run.messages.progress_comment import task_mark
from bot.text.fit import has_mark
from bot.text.invisible import remove_invisible_text
from bot.workspace.agents_md import make_guide, shorten, split_guides
from bot.workspace.network import describe_egress

MAX_COMMENTS = 20
MAX_REMARKS = 50
MAX_AUTHORS = 8
MAX_TEXT = 20_000
MAX_HUNK = 2_000  # characters of the lines that a review comment stands below

_MARKER = re.compile(r"<!-- hob:[\w.:/#@=-]{1,150} -->", re.ASCII)  # as ``github.fit.mark`` makes them

AskPermission = Callable[[str], Awaitable[Permission]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredBrief:
    """The brief, and the hidden text that was taken out of it (named to the maintainer)."""

    brief: Brief
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRemarks:
    """The inline comments of a pull request. ``until`` is when the review that asks was submitted, or the
    request was made: what was written or edited after it is left out.
    """

    comments: Sequence[ReviewComment]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """A text before its author's permission is known. ``quoted``: data, whoever wrote it."""

    where: str
    author: str
    at: str
    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remarked:
    """A review comment that is shown, with its lines; ``asks``: it is part of what asked, to be answered."""

    id: int
    asks: bool
    passages: tuple[_Passage, ...]


async def gather_brief(
    task: Task,
    *,
    comments: Sequence[Comment],
    permission: AskPermission,
    config: RepoConfig,
    guides: Sequence[tuple[str, str]],
    test_command: str,
    lint_command: str,
    remarks: ReviewRemarks | None = None,
    issue: Issue | None = None,
    unheard: Container[int] = (),
) -> GatheredBrief:
    """The brief for a task: the request, the thread up to the request, and the repository's own guidance.

    ``comments`` are the thread's, oldest first; ``guides`` are (path, text) of agent files on base;
    ``remarks`` stand on lines of the pull request; ``issue`` is what the pull request is for. Accounts that
    are blocked are ``unheard``: what they wrote is data, whatever they may do in the repository.
    """
    authors = [each.author for each in comments]
    authors += [each.author for each in remarks.comments] if remarks else []
    bots = [each.author.login for each in comments if each.author.is_bot]
    bots += [each.login for each in (*authors, task.thread.author) if each.id in unheard]
    # A bot's text, Hob's too, may repeat anybody's: only a person gives instructions.
    known = {task.requester.login: Permission.WRITE} | dict.fromkeys(["", *bots], Permission.NONE)
    opening, nearby = split_guides(tuple(guides))
    passages = list(opening)
    if config.instructions:
        passages.append(make_guide(".github/hob.yml, instructions", config.instructions))
    remarked = _list_review_comments(task, remarks)
    texts = [
        *_list_issue_texts(task, issue),
        *_list_thread_texts(task),
        *_list_earlier_comments(task, comments),
        *(passage for each in remarked for passage in each.passages),
    ]
    for each in texts:
        if each.author not in known:
            known[each.author] = (
                await permission(each.author) if len(known) < MAX_AUTHORS else Permission.NONE
            )
        passages.append(_make_prompt_text(each, known[each.author]))
    hidden: list[str] = []
    # In a thread: reading what strangers wrote as Markdown takes long.
    cleaned = await asyncio.to_thread(_clean_all, passages, hidden)
    later = await asyncio.to_thread(_clean_all, nearby, hidden)
    request, removed = await asyncio.to_thread(remove_invisible_text, task.request)
    title, more = await asyncio.to_thread(remove_invisible_text, task.thread.title)
    brief = Brief(
        kind=task.kind,
        request=shorten(request.strip(), MAX_TEXT),
        title=title.strip()[:300],
        texts=tuple(passage for passage in cleaned if passage.text.strip()),
        test_command=test_command,
        lint_command=lint_command,
        repository=task.repo.full_name,
        branch=task.branch,
        spot=_find_commented_lines(task),
        answerable=_list_answerable(task, remarked),
        nearby=tuple(passage for passage in later if passage.text.strip()),
        internet=describe_egress(config.internet),
    )
    brief = replace(brief, suspicions=await asyncio.to_thread(_find_suspicions, texts, brief, hidden))
    named = [item for item in (*hidden, *removed, *more) if not _MARKER.fullmatch(item)]
    return GatheredBrief(brief=brief, hidden=tuple(named))


def _find_suspicions(texts: Sequence[_Passage], brief: Brief, hidden: Sequence[str]) -> tuple[Suspicion, ...]:
    """What of the quoted texts reads like orders: as it stood, since hidden parts are a sign."""
    quoted = {(each.where, each.author) for each in brief.texts if each.trust is Trust.QUOTED}
    read = [(each.where, each.text) for each in texts if (each.where, each.author) in quoted]
    kept = [item for item in hidden if not _MARKER.fullmatch(item)]
    return score_texts([*read, ("text that was hidden in the thread", "\n\n".join(kept))])


def _list_issue_texts(task: Task, issue: Issue | None) -> list[_Passage]:
    """The issue that a pull request is for, as data: who asked may never have read it.

    GitHub has only its present text. Where something about the issue changed since the request, nobody can
    tell what the text was then, and it is left out.
    """
    if issue is None or (issue.number == task.thread.number):
        return []
    where = f"issue #{issue.number}, which this pull request is for"
    text = f"{issue.title}\n\n{issue.body}".strip()
    if issue.updated_at >= task.trigger.at:
        text = "[changed since this was asked, so its text is left out]"
    return [_Passage(where=where, author=issue.author.login, at="", text=text, quoted=True)]


def _list_thread_texts(task: Task) -> list[_Passage]:
    """The thread's own text, and the code that an inline review comment is about."""
    thread, trigger = task.thread, task.trigger
    kind = "pull request" if thread.is_pull else "discussion" if thread.is_discussion else "issue"
    where = f"{kind} #{thread.number}"
    author, texts = thread.author.login, []
    body, at = thread.body.strip(), trigger.at.isoformat()
    if body and body not in task.request:  # the request is shown once
        if trigger.kind is TriggerKind.ISSUE:
            texts.append(_Passage(where=where, author=author, at=at, text=thread.body))
        else:
            text = f"{thread.title}\n\n{thread.body}"
            texts.append(_Passage(where=where, author=author, at="", text=text))
    if trigger.kind is TriggerKind.CHECK and trigger.hunk:
        where = f"what the check {trigger.path} says"
        texts.append(_Passage(where=where, author="", at=at, text=trigger.hunk))
    elif trigger.hunk:
        spot = f"the line that {trigger.author.login} commented on, {trigger.path}:{trigger.line}; "
        spot += f"the request is review comment {trigger.id}"
        texts.append(_Passage(where=spot, author="", at="", text=trigger.hunk))
    return texts


def _find_commented_lines(task: Task) -> CommentedLines | None:
    """The code position of a request that is an inline review comment."""
    trigger = task.trigger
    if not trigger.path or not trigger.line:
        return None
    return CommentedLines(path=trigger.path, line=trigger.line, start=trigger.start_line, hunk=trigger.hunk)


def _list_earlier_comments(task: Task, comments: Sequence[Comment]) -> list[_Passage]:
    """Comments written, and last changed, before the trigger; the trigger itself is the request."""
    texts = []
    for comment in comments:
        if not _is_before(task.trigger, comment) or has_mark(comment.body, task_mark(task)):
            continue
        where = f"comment on #{task.thread.number}"
        at = _format_time(comment.created_at)
        texts.append(_Passage(where=where, author=comment.author.login, at=at, text=comment.body))
    more = len(texts) - MAX_COMMENTS
    left_out = f"[{more} earlier comments of this thread are left out]"
    about = _Passage(where=f"comments on #{task.thread.number}", author="", at="", text=left_out)
    return [*([about] if more > 0 else []), *texts[-MAX_COMMENTS:]]


def _is_before(trigger: Trigger, comment: Comment) -> bool:
    """Whether a comment of the thread, in its present text, is older than the trigger.

    GitHub counts in whole seconds. Of the trigger's own second it takes a comment that was never changed and
    has a lower id than the comment that asks; of anything else in that second the order is unknown.
    """
    created, changed = comment.created_at, comment.updated_at
    if max(created, changed) < trigger.at:
        return True
    same = created == changed == trigger.at.replace(microsecond=0)
    return same and trigger.kind is TriggerKind.COMMENT and comment.id < trigger.id


def _list_review_comments(task: Task, remarks: ReviewRemarks | None) -> list[_Remarked]:
    """Review comments with the lines that they are about: those of the review that asks, each to be answered,
    those earlier in the thread, and where Hob revises its own change, all others before.
    """
    trigger, found = task.trigger, []
    review = trigger.id if trigger.kind is TriggerKind.REVIEW else trigger.review
    shown = {trigger.reply_to or trigger.id} if trigger.hunk else set()  # threads whose lines are shown
    for comment in remarks.comments if remarks else ():
        changed = max(comment.created_at, comment.updated_at)
        if remarks is None or changed > remarks.until or comment.id == trigger.id:
            continue
        spot, asks = f"{comment.path}:{comment.line or 0}", True
        if review and comment.review == review:
            where = f"review comment {comment.id} on {spot}, part of the request; answer it with `reply`"
        elif trigger.reply_to and trigger.reply_to in (comment.id, comment.reply_to):
            where = f"earlier in the same review thread, on {spot}; review comment {comment.id}"
        elif task.kind is TaskKind.REVISE:
            where, asks = f"review comment {comment.id} on {spot}, from before", False
        else:
            continue
        thread = comment.reply_to or comment.id
        lines = comment.hunk if thread not in shown else ""
        shown.add(thread)
        about = f"the lines that review comment {comment.id} is about, {spot}"
        at = _format_time(comment.created_at)
        passages = (
            *([_Passage(where=about, author="", at="", text=lines[-MAX_HUNK:])] if lines else []),
            _Passage(where=where, author=comment.author.login, at=at, text=comment.body),
        )
        found.append(_Remarked(id=comment.id, asks=asks, passages=passages))
    return found[-MAX_REMARKS:]


def _list_answerable(task: Task, remarked: Sequence[_Remarked]) -> tuple[int, ...]:
    """The review comments that a reply can be for: the one that asks, and those of its review and thread.

    Replies are posted where a review asked for work on Hob's own pull request, or asked a question.
    """
    trigger = task.trigger
    if not trigger.kind.is_on_lines or task.kind not in (TaskKind.REVISE, TaskKind.ANSWER):
        return ()
    own = [trigger.id] if trigger.kind is TriggerKind.REVIEW_COMMENT else []
    return tuple(dict.fromkeys([*own, *(each.id for each in remarked if each.asks)]))


def _make_prompt_text(passage: _Passage, permission: Permission) -> PromptText:
    trusted = permission.may_write and passage.author and not passage.quoted
    return PromptText(
        trust=Trust.INSTRUCTION if trusted else Trust.QUOTED,
        where=passage.where,
        author=passage.author,
        permission=permission.value,
        at=passage.at,
        text=shorten(passage.text, MAX_TEXT),
    )


def _clean_all(passages: Sequence[PromptText], hidden: list[str]) -> list[PromptText]:
    return [_clean(passage, hidden) for passage in passages]


def _clean(passage: PromptText, hidden: list[str]) -> PromptText:
    text, removed = remove_invisible_text(passage.text)
    hidden.extend(removed)
    return PromptText(
        trust=passage.trust,
        where=passage.where,
        author=passage.author,
        permission=passage.permission,
        at=passage.at,
        text=text,
    )


def _format_time(at: datetime) -> str:
    """A time as GitHub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
