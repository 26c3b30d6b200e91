"""GitHub's answers as values: each kind of object with the fields that Hob uses, parsed where it arrives.

``from_json`` reads what the REST API sends; ``to_json`` writes the same fields under GitHub's own names, so
that an answer can be recorded and read back. A field that is missing or of another type raises ``BadAnswer``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from bot.domain import Person
from bot.errors import Retry
from bot.text.json_fields import BadPayload, Fields, fields

Json = dict[str, Any]
Parsed = TypeVar("Parsed")
GHOST = Person(id=0, login="ghost")  # how GitHub shows a deleted account, whose user is null


class BadAnswer(Retry):
    """GitHub answered with something else than its documentation describes; the message names the field."""


def parse(answer: Any, name: str, build: Callable[[Fields], Parsed]) -> Parsed:
    """What ``build`` makes of the JSON object ``answer``; ``name`` says in errors what kind of object it is.

    Raises BadAnswer.
    """
    try:
        return build(fields(answer, name))
    except BadPayload as wrong:
        raise BadAnswer(f"GitHub's answer is not as documented: {wrong}") from wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class PullBranch:
    """One side of a pull request, its head or its base; ``repo_id`` is None when the fork was deleted."""

    ref: str
    sha: str
    label: str = ""
    repo_id: int | None = None
    repo_name: str = ""  # ``owner/name``
    clone_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request. ``mergeable`` is None while GitHub does not know; lists of pull requests never tell."""

    number: int
    state: str
    title: str
    body: str
    author: Person
    url: str
    labels: tuple[str, ...]
    head: PullBranch
    base: PullBranch
    is_merged: bool = False
    mergeable: bool | None = None
    maintainer_can_modify: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is neither closed nor merged."""
        return self.state == "open"

    @classmethod
    def from_json(cls, answer: Any) -> Pull:
        """https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request"""
        return parse(answer, "pull_request", _pull)

    def to_json(self) -> Json:
        """The same fields as GitHub names them."""
        return {
            "number": self.number,
            "state": self.state,
            "title": self.title,
            "body": self.body,
            "user": _person_to_json(self.author),
            "html_url": self.url,
            "labels": [{"name": name} for name in self.labels],
            "head": _branch_to_json(self.head),
            "base": _branch_to_json(self.base),
            "merged": self.is_merged,
            "mergeable": self.mergeable,
            "maintainer_can_modify": self.maintainer_can_modify,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue's own text as it is now, and when anything about the issue last changed."""

    number: int
    title: str
    body: str
    author: Person
    updated_at: datetime

    @classmethod
    def from_json(cls, answer: Any) -> Issue:
        """https://docs.github.com/en/rest/issues/issues#get-an-issue"""
        return parse(answer, "issue", _issue)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFile:
    """A file of a pull request: its path, what happened to it in GitHub's words, and its blob at the head."""

    path: str
    status: str
    blob: str = ""
    previous: str = ""  # its path before it was renamed

    @classmethod
    def from_json(cls, answer: Any) -> PullFile:
        """https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files"""
        return parse(answer, "file", _pull_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatch:
    """What a commit changed in a file, as hunks of a unified diff; '' where GitHub shows none."""

    path: str
    patch: str

    @classmethod
    def from_json(cls, answer: Any) -> FilePatch:
        """https://docs.github.com/en/rest/commits/commits#get-a-commit"""
        return parse(
            answer, "file", lambda file: cls(path=file.text("filename"), patch=file.text("patch", ""))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbs:
    """How many people liked a text, and how many did not."""

    up: int = 0
    down: int = 0

    @classmethod
    def from_json(cls, answer: Any) -> Thumbs:
        """Of an issue, a pull request's thread or a comment; GitHub leaves the counts out in some answers."""
        return parse(answer, "thread", _thumbs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment on an issue or in the conversation of a pull request."""

    id: int
    body: str
    author: Person
    url: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_json(cls, answer: Any) -> Comment:
        """https://docs.github.com/en/rest/issues/comments#get-an-issue-comment"""
        return parse(answer, "comment", _comment)

    def to_json(self) -> Json:
        """The same fields as GitHub names them."""
        return {
            "id": self.id,
            "body": self.body,
            "user": _person_to_json(self.author),
            "html_url": self.url,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """A comment on a line of a pull request.

    ``line`` is None for a comment on a whole file; where its line is gone from the diff, it is the line that
    it stood on. ``review`` is the review that it was submitted with, ``reply_to`` the first comment of its
    thread.
    """

    id: int
    body: str
    author: Person
    created_at: datetime
    updated_at: datetime
    path: str
    line: int | None = None
    review: int | None = None
    reply_to: int | None = None
    hunk: str = ""  # of the difference, up to the line

    @classmethod
    def from_json(cls, answer: Any) -> ReviewComment:
        """https://docs.github.com/en/rest/pulls/comments#get-a-review-comment-for-a-pull-request"""
        return parse(answer, "review comment", _review_comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review of a pull request; a pending one has no ``submitted_at``."""

    id: int
    url: str
    submitted_at: datetime | None = None

    @classmethod
    def from_json(cls, answer: Any) -> Review:
        """https://docs.github.com/en/rest/pulls/reviews#get-a-review-for-a-pull-request"""
        return parse(answer, "review", _review)

    def to_json(self) -> Json:
        """The same fields as GitHub names them."""
        at = self.submitted_at.isoformat() if self.submitted_at else None
        return {"id": self.id, "html_url": self.url, "submitted_at": at}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run: ``conclusion`` is None until it ends, ``app`` is the id of the app that made it.

    ``title`` and ``summary`` are '' where it has none, as jobs of GitHub Actions. The ``id`` is 0 where it is
    not known: GraphQL tells none that REST would take.
    """

    id: int
    conclusion: str | None = None
    app: int | None = None
    external_id: str = ""
    name: str = ""
    head_sha: str = ""
    title: str = ""
    summary: str = ""

    @classmethod
    def from_json(cls, answer: Any) -> CheckRun:
        """https://docs.github.com/en/rest/checks/runs#get-a-check-run"""
        return parse(answer, "check_run", read_check_run)

    def to_json(self) -> Json:
        """The same fields as GitHub names them."""
        app = {"id": self.app} if self.app is not None else None
        return {
            "id": self.id,
            "conclusion": self.conclusion,
            "app": app,
            "external_id": self.external_id,
            "name": self.name,
            "head_sha": self.head_sha,
            "output": {"title": self.title, "summary": self.summary},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What a check run remarks on a line; ``details`` is '' where it has none."""

    path: str
    line: int
    level: str
    title: str
    message: str
    details: str = ""

    @classmethod
    def from_json(cls, answer: Any) -> Annotation:
        """https://docs.github.com/en/rest/checks/runs#list-check-run-annotations"""
        return parse(answer, "annotation", _annotation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit on GitHub; ``tree`` and ``parents`` are shas, ``verified`` its signature.

    ``author`` is the account that GitHub finds by the author's address, GHOST for none.
    """

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    verified: bool = False
    author: Person = GHOST

    @classmethod
    def from_json(cls, answer: Any) -> Commit:
        """https://docs.github.com/en/rest/commits/commits#get-a-commit"""
        return parse(answer, "commit", _commit)


def read_person(user: Fields | None) -> Person:
    """An account; GHOST where it was deleted."""
    if user is None:
        return GHOST
    return Person(id=user.number("id"), login=user.text("login"), is_bot=user.text("type", "User") == "Bot")


def _person_to_json(who: Person) -> Json | None:
    if who == GHOST:
        return None
    return {"id": who.id, "login": who.login, "type": "Bot" if who.is_bot else "User"}


def _branch(side: Fields) -> PullBranch:
    repo = side.maybe("repo")
    return PullBranch(
        ref=side.text("ref"),
        sha=side.text("sha"),
        label=side.text("label", ""),
        repo_id=repo.number("id") if repo else None,
        repo_name=repo.text("full_name", "") if repo else "",
        clone_url=repo.text("clone_url", "") if repo else "",
    )


def _branch_to_json(side: PullBranch) -> Json:
    repo = {"id": side.repo_id, "full_name": side.repo_name, "clone_url": side.clone_url}
    return {
        "ref": side.ref,
        "sha": side.sha,
        "label": side.label,
        "repo": repo if side.repo_id is not None else None,
    }


def _pull(pull: Fields) -> Pull:
    return Pull(
        number=pull.number("number"),
        state=pull.text("state"),
        title=pull.text("title"),
        body=pull.text("body", ""),
        author=read_person(pull.maybe("user")),
        url=pull.text("html_url"),
        labels=tuple(label.text("name") for label in pull.objects("labels")),
        head=_branch(pull.object("head")),
        base=_branch(pull.object("base")),
        is_merged=pull.flag("merged") or pull.has("merged_at"),
        mergeable=pull.flag("mergeable") if pull.has("mergeable") else None,
        maintainer_can_modify=pull.flag("maintainer_can_modify"),
    )


def _pull_file(file: Fields) -> PullFile:
    return PullFile(
        path=file.text("filename"),
        status=file.text("status"),
        blob=file.text("sha", ""),
        previous=file.text("previous_filename", ""),
    )


def _thumbs(answer: Fields) -> Thumbs:
    counts = answer.maybe("reactions")
    if counts is None:
        return Thumbs()
    return Thumbs(up=counts.number("+1", 0), down=counts.number("-1", 0))


def _comment(comment: Fields) -> Comment:
    return Comment(
        id=comment.number("id"),
        body=comment.text("body", ""),
        author=read_person(comment.maybe("user")),
        url=comment.text("html_url"),
        created_at=comment.time("created_at"),
        updated_at=comment.time("updated_at"),
    )


def _issue(issue: Fields) -> Issue:
    return Issue(
        number=issue.number("number"),
        title=issue.text("title"),
        body=issue.text("body", ""),
        author=read_person(issue.maybe("user")),
        updated_at=issue.time("updated_at"),
    )


def _review_comment(comment: Fields) -> ReviewComment:
    return ReviewComment(
        id=comment.number("id"),
        body=comment.text("body", ""),
        author=read_person(comment.maybe("user")),
        created_at=comment.time("created_at"),
        updated_at=comment.time("updated_at"),
        path=comment.text("path"),
        line=_number(comment, "line") or _number(comment, "original_line"),
        review=_number(comment, "pull_request_review_id"),
        reply_to=_number(comment, "in_reply_to_id"),
        hunk=comment.text("diff_hunk", ""),
    )


def _review(review: Fields) -> Review:
    return Review(
        id=review.number("id"),
        url=review.text("html_url"),
        submitted_at=review.time("submitted_at") if review.has("submitted_at") else None,
    )


def read_check_run(run: Fields) -> CheckRun:
    """A check run of a list that was parsed already."""
    app, output = run.maybe("app"), run.maybe("output")
    return CheckRun(
        id=run.number("id"),
        conclusion=run.text("conclusion") if run.has("conclusion") else None,
        app=app.number("id") if app else None,
        external_id=run.text("external_id", ""),
        name=run.text("name", ""),
        head_sha=run.text("head_sha", ""),
        title=output.text("title", "") if output else "",
        summary=output.text("summary", "") if output else "",
    )


def _annotation(one: Fields) -> Annotation:
    return Annotation(
        path=one.text("path"),
        line=one.number("start_line"),
        level=one.text("annotation_level", ""),
        title=one.text("title", ""),
        message=one.text("message", ""),
        details=one.text("raw_details", ""),
    )


def _commit(answer: Fields) -> Commit:
    commit = answer.object("commit")
    verification = commit.maybe("verification")
    return Commit(
        sha=answer.text("sha"),
        tree=commit.object("tree").text("sha"),
        parents=tuple(parent.text("sha") for parent in answer.objects("parents")),
        message=commit.text("message"),
        verified=verification.flag("verified") if verification else False,
        author=read_person(answer.maybe("author")),
    )


def _number(data: Fields, name: str) -> int | None:
    return data.number(name) if data.has(name) else None
