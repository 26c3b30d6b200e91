"""What arrives: an Event, and the people, repositories and threads in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """What a person may do in a repository, as GitHub's collaborator-permission endpoint says it.

    https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """

    ADMIN = "admin"
    WRITE = "write"
    READ = "read"
    NONE = "none"

    @property
    def may_write(self) -> bool:
        """Whether the person's text is an instruction."""
        return self in (Permission.ADMIN, Permission.WRITE)


# https://docs.github.com/en/code-security/dependabot and https://docs.renovatebot.com
UPDATE_BOTS = frozenset({"dependabot[bot]", "renovate[bot]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A GitHub account. Identity is ``id``: a login can be renamed and taken over."""

    id: int
    login: str
    is_bot: bool = False

    @property
    def is_update_bot(self) -> bool:
        """Whether it is Dependabot or Renovate, whose pull requests bring dependencies up to date.

        No person's account can have such a name, for the brackets; the ids differ from one GitHub to another.
        """
        return self.is_bot and self.login in UPDATE_BOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository as a webhook names it."""

    id: int
    owner: str
    name: str
    default_branch: str
    clone_url: str
    private: bool = False

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedRepo:
    """A repository that an installation was given, as far as that event names it."""

    id: int
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """An issue, a pull request or a discussion at the moment of the event. One count numbers them all."""

    number: int
    is_pull: bool
    title: str
    body: str
    author: Person
    url: str
    labels: tuple[str, ...] = ()
    head_ref: str = ""  # of a pull request: its branch, and whose repository it is in
    head_sha: str = ""
    head_repo_id: int = 0
    base_ref: str = ""
    is_discussion: bool = False


class TriggerKind(StrEnum):
    """The entity whose text (or label) asked for work; names the reactions endpoint too."""

    ISSUE = "issue"
    COMMENT = "comment"
    REVIEW = "review"
    REVIEW_COMMENT = "review_comment"
    LABEL = "label"
    CHECK = "check"  # a check run that failed, or a button on one

    @property
    def is_on_lines(self) -> bool:
        """Whether it is a review or one of its inline comments."""
        return self in (TriggerKind.REVIEW, TriggerKind.REVIEW_COMMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What exactly asked: the snapshot in the signed payload, not what the page says later.

    ``path``, ``line`` and ``hunk`` are set for inline review comments, ``start_line`` for those on several
    lines.
    """

    kind: TriggerKind
    id: int
    text: str
    author: Person
    url: str
    at: datetime
    previous_text: str | None = None  # before an edit
    previous_title: str | None = None  # where the title was edited
    path: str = ""
    line: int = 0
    start_line: int = 0
    hunk: str = ""
    reply_to: int = 0
    review: int = 0  # the review that an inline comment was submitted with


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One webhook delivery, parsed. Fields that the event does not carry are ``None``."""

    delivery: str
    name: str
    action: str
    installation: int = 0
    sender: Person | None = None
    repo: Repo | None = None
    thread: Thread | None = None
    trigger: Trigger | None = None
    added: tuple[AddedRepo, ...] = ()  # of an installation
    removed: frozenset[int] = frozenset()  # ids of the repositories that an installation has no more
    external_id: str = ""  # what the app that made a check run noted on it
    merged: bool = False  # of a pull request that was closed
    via_app: int = 0  # performed_via_github_app.id, 0 when a person did it by hand
