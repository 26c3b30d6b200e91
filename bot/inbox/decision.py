"""What a rule decides about an event, and what every rule needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.domain import Event, Refusal, Request, TaskKind, Thread, Trigger, TriggerKind
from bot.inbox.commands.parse import CommandWord, ParsedCommand, is_bare, is_question, is_review


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """Who the bot is on GitHub: the app's id and slug, and the id of the user that writes its comments.

    ``bots`` are the accounts of other bots, by id, whose requests count as a person's.
    """

    id: int
    slug: str
    bot_id: int
    bots: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing is done; ``reason`` is stored with the delivery."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Somebody used a command on a thread."""

    word: CommandWord
    event: Event
    number: int = 0
    digest: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaddressedComment:
    """A comment on the bot's own pull request without a mention: a request where the repository says so."""

    decision: Request | Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstalled:
    """The app may not act for this installation any more; ``for_good`` when it was removed, not suspended."""

    installation: int
    reason: str
    for_good: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFailed:
    """Somebody else's check failed on what may be a pull request of the bot's own."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkButton:
    """A button on the bot's own check run of a fork's commit, which GitHub ties to no pull request."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksRerequested:
    """Somebody asked for one of the bot's own check runs, or all of a commit, to be run again."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ReposAdded:
    """The app was given repositories, where its label may be wanted."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ReposRemoved:
    """The app may not act in these repositories any more."""

    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadGone:
    """The issue or discussion no longer exists here; ``reason`` says why."""

    event: Event
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullEnded:
    """A pull request was closed, the bot's own or not, or merged, where it ``reverts`` another (0: none)."""

    event: Event
    is_own: bool
    reverts: int = 0


Decision: TypeAlias = (
    Request
    | Refusal
    | Command
    | UnaddressedComment
    | Uninstalled
    | CheckFailed
    | ForkButton
    | ChecksRerequested
    | ReposAdded
    | ReposRemoved
    | ThreadGone
    | PullEnded
    | Ignored
)

NOT_MINE = Refusal(
    reason="not own pull",
    message="I only change pull requests that I opened myself, those from forks, and those of Dependabot and "
    "Renovate. Of this one I can give "
    "a review (say `review`) or answer a question. If you open an issue that says what should change and "
    "mention me there, I will make a pull request for it.",
)
CLOSED_PULL = Refusal(
    reason="closed pull",
    message="This pull request is closed, so I cannot add to it. Mention me on the issue for a new one.",
)
NOTHING_TO_REVIEW = Refusal(
    reason="nothing to review",
    message="There is nothing to review on an issue. Mention me with `review` on a pull request, anybody's.",
)


# What "fix this" asks for on a pull request that a bot opened.
MEND_UPDATE = (
    "This pull request brings a dependency up to date, and its checks do not pass. Find out what the new "
    "version changed for this repository, and make the checks pass with it; leave the versions as they are."
)
BY_A_BOT = Ignored(reason="sent by a bot")


def ask_what_is_wanted(slug: str) -> Refusal:
    """The answer to a comment that holds a mention and nothing else."""
    return Refusal(
        reason="nothing is said",
        message=f"What would you like me to do? Say it after the mention, such as `@{slug} fix this` or "
        f"`@{slug} why is it rounded twice?`; `@{slug} help` lists all that I take.",
    )


NO_MENTION = Ignored(reason="nobody is mentioned")
# An edit by somebody else, or an issue that was transferred: its text is not the sender's request.
NOT_THEIRS = Ignored(reason="written by somebody else than its sender")


def find_reason_to_ignore(event: Event, app: AppIdentity) -> Ignored | None:
    """Why an event is not a request: the bot itself caused it, or another bot. Judged by id, not by name.

    What a person had the dashboard write bears the App's mark and the person's name: it is their request.
    """
    author = event.trigger.author if event.trigger else None
    if event.sender is None or event.sender.id == 0:
        return Ignored(reason="nobody sent it")
    if app.bot_id in (event.sender.id, author.id if author else 0):
        return Ignored(reason="own doing")
    if event.sender.is_bot and event.sender.id not in app.bots:
        return BY_A_BOT
    return None


def is_by_author(event: Event) -> bool:
    """Whether the sender wrote the text; somebody else's edit does not make it their request."""
    return (
        event.sender is not None and event.trigger is not None and event.sender.id == event.trigger.author.id
    )


def is_own_pull(thread: Thread, app: AppIdentity, repo_id: int) -> bool:
    """Whether the bot opened this pull request, from a branch in the same repository.

    The event of a plain comment does not tell the branch (``head_ref`` is empty): then the author decides,
    and the branch is looked at when the pull request has been read.
    """
    if not thread.is_pull or thread.author.id != app.bot_id:
        return False
    own_branch = thread.head_repo_id == repo_id and thread.head_ref != thread.base_ref
    return not thread.head_ref or own_branch


def may_change(thread: Thread, app: AppIdentity, repo_id: int) -> bool:
    """Whether the bot can be asked to change this pull request: its own, one from a fork, or one by a bot
    that brings dependencies up to date.

    What the event of a plain comment does not tell is looked at when the pull request has been read.
    """
    if not thread.is_pull or is_own_pull(thread, app, repo_id):
        return thread.is_pull
    return thread.author.is_update_bot or not thread.head_ref or thread.head_repo_id != repo_id


def decide_on_text(event: Event, said: ParsedCommand, *, app: AppIdentity) -> Decision:
    """The decision on what somebody said to the bot: a command, a request, a refusal, or nothing."""
    if said.word is CommandWord.REVIEW and event.thread and not event.thread.is_pull:
        return NOTHING_TO_REVIEW
    if said.word is not None:
        return Command(word=said.word, event=event, number=said.number, digest=said.digest, login=said.login)
    if not said.request:
        return Ignored(reason="nothing is asked")
    if event.thread is None or event.repo is None:
        return Ignored(reason="it is on no thread")
    kind = _choose_kind(said, event.thread)
    if kind is None and not may_change(event.thread, app, event.repo.id):
        return NOT_MINE
    request = said.request
    if kind is None and event.thread.author.is_update_bot and is_bare(request):
        request = MEND_UPDATE
    return Request(kind=kind or TaskKind.REVISE, request=request, event=event)


def _choose_kind(said: ParsedCommand, thread: Thread) -> TaskKind | None:
    """The kind of task that a request asks for; None for a change to the pull request that it is on."""
    if not said.whole and is_question(said.request):
        return TaskKind.ANSWER
    if thread.is_pull:
        return TaskKind.REVIEW if is_review(said.request) else None
    return TaskKind.CHANGE


def find_review_id(trigger: Trigger | None) -> int:
    """The id of the review that a trigger is or belongs to; 0 for none, and for a later edit."""
    if trigger is None or trigger.previous_text is not None:
        return 0
    return trigger.id if trigger.kind is TriggerKind.REVIEW else trigger.review
