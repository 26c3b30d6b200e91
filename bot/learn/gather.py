"""What people said against Hob's work on one pull request, read from GitHub when the pull request is closed.

Counted is only what people said who may write to the repository, as GitHub says at that moment. Their words
are kept without secrets, as plain text.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Container, Sequence, Set
from dataclasses import dataclass

from bot.domain import Person
from bot.github.answers import Commit, ReviewComment
from bot.github.app import RepoApi
from bot.learn.edits import list_added_lines, list_replacements
from bot.learn.rules import render_replacement
from bot.learn.sentences import LONGEST, find_sentences
from bot.tasks.learning.corrections import Correction, CorrectionKind
from bot.text.fit import MARK

MOST_CORRECTIONS = 60  # of one pull request that are kept
MOST_TEXTS = 100  # of each kind that are read, the oldest
MOST_COMMITS = 20  # of each side whose differences are read
_FINDING = re.compile(r"<!--[ \t]*hob:note:")  # contained in the comment of a finding
_TURNS_DOWN = re.compile(
    r"\b(?:(?:false|no) (?:positive|alarm|problem)|not (?:a|an|the) (?:problem|issue|bug|concern)|by design|"
    r"intended|intentional(?:ly)?|on purpose|won['’]?t fix|wontfix|as designed|disagree|not needed|"
    r"doesn['’]t matter|that['’]?s fine|is fine|nitpick|please stop|don['’]t (?:report|remark|flag))\b",
    re.IGNORECASE,
)
_END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPull:
    """The pull request that is read: whether Hob opened it, and which of its commits Hob pushed."""

    number: int
    url: str
    is_own: bool
    pushed: Set[str]


class PullReader:
    """Reads one pull request; ``safe`` takes secrets out of a text, ``unheard`` are people by number."""

    def __init__(
        self,
        api: RepoApi,
        pull: EndedPull,
        *,
        bot: int,
        safe: Callable[[str], str],
        unheard: Container[int] = frozenset(),
    ) -> None:
        self._api, self._pull, self._bot, self._safe, self._unheard = api, pull, bot, safe, unheard
        self._may_write: dict[int, bool] = {}

    async def read(self) -> list[Correction]:
        """The corrections, at most ``MOST_CORRECTIONS``. Raises ``Retry`` and ``Parked``."""
        found: list[Correction] = []
        comments = await self._api.reviews.list_comments(self._pull.number)
        async for one in self._read_findings(comments):
            found.append(one)
        if self._pull.is_own:
            async for one in self._read_words(comments):
                found.append(one)
            async for one in self._read_commits():
                found.append(one)
        return found[:MOST_CORRECTIONS]

    async def _read_words(self, comments: Sequence[ReviewComment]) -> AsyncIterator[Correction]:
        """What was said in comments and reviews; replies under Hob's findings are read as what they are."""
        findings = {one.id for one in comments if self._is_finding(one)}
        inline = [one for one in comments if one.reply_to not in findings][:MOST_TEXTS]
        for comment in inline:
            url = f"{self._pull.url}#discussion_r{comment.id}"
            async for each in self._read_text(
                f"review_comment:{comment.id}", comment.body, comment.author, url, comment.path
            ):
                yield each
        talk = await self._api.issues.list_comments(self._pull.number)
        reviews = await self._api.reviews.list_texts(self._pull.number)
        for name, texts in (("comment", talk), ("review", reviews)):
            for text in texts[:MOST_TEXTS]:
                async for each in self._read_text(f"{name}:{text.id}", text.body, text.author, text.url):
                    yield each

    async def _read_text(
        self, source: str, body: str, author: Person, url: str, path: str = ""
    ) -> AsyncIterator[Correction]:
        if not await self._counts(author):
            return
        for number, sentence in enumerate(await asyncio.to_thread(find_sentences, body)):
            yield self._make(f"{source}:{number}", CorrectionKind.SAID, sentence, author, url, path)

    async def _read_commits(self) -> AsyncIterator[Correction]:
        """What people's commits on top of Hob's say, and what they put in place of Hob's own lines."""
        commits = await self._api.pulls.list_commits(self._pull.number)
        own = [commit for commit in commits if commit.sha in self._pull.pushed]
        first = commits.index(own[0]) if own else len(commits)
        theirs = [each for each in commits[first:] if each not in own and len(each.parents) == 1]
        theirs = [each for each in theirs if await self._counts(each.author)][:MOST_COMMITS]
        lines: set[str] = set()
        for commit in own[:MOST_COMMITS] if theirs else ():
            for file in await self._api.commits.list_patches(commit.sha):
                lines.update(await asyncio.to_thread(list_added_lines, file.patch))
        for commit in theirs:
            async for each in self._read_commit(commit, lines):
                yield each

    async def _read_commit(self, commit: Commit, own: Set[str]) -> AsyncIterator[Correction]:
        url = f"{self._pull.url}/commits/{commit.sha}"
        for number, sentence in enumerate(await asyncio.to_thread(find_sentences, commit.message)):
            source = f"commit:{commit.sha}:{number}"
            yield self._make(source, CorrectionKind.SAID, sentence, commit.author, url)
        number = 0
        for file in await self._api.commits.list_patches(commit.sha):
            for before, after in await asyncio.to_thread(list_replacements, file.patch, own):
                words, source = render_replacement(before, after), f"edit:{commit.sha}:{number}"
                yield self._make(source, CorrectionKind.EDITED, words, commit.author, url, file.path)
                number += 1

    async def _read_findings(self, comments: Sequence[ReviewComment]) -> AsyncIterator[Correction]:
        """The findings that somebody turned down, by a thumb down or in a reply."""
        for finding in filter(self._is_finding, comments):
            person = await self._find_who_turned_down(finding, comments)
            words = _read_first_sentence(finding.body)
            if person is not None and words:
                url = f"{self._pull.url}#discussion_r{finding.id}"
                source = f"finding:{finding.id}"
                yield self._make(source, CorrectionKind.DISMISSED, words, person, url, finding.path)

    async def _find_who_turned_down(
        self, finding: ReviewComment, comments: Sequence[ReviewComment]
    ) -> Person | None:
        people = await self._api.reviews.list_thumbs_down(finding.id)
        people += [
            one.author
            for one in comments
            if one.reply_to == finding.id and _TURNS_DOWN.search(one.body[:2000])
        ]
        for person in people:
            if await self._counts(person):
                return person
        return None

    async def _counts(self, person: Person) -> bool:
        """Whether this is a person who may write to the repository and is not blocked."""
        if person.is_bot or person.id in (0, self._bot) or person.id in self._unheard:
            return False
        if person.id not in self._may_write:
            allowed = await self._api.permissions.get(person.login, person.id)
            self._may_write[person.id] = allowed.may_write
        return self._may_write[person.id]

    def _is_finding(self, comment: ReviewComment) -> bool:
        return comment.author.id == self._bot and _FINDING.search(comment.body) is not None

    def _make(
        self, source: str, kind: CorrectionKind, words: str, who: Person, url: str, path: str = ""
    ) -> Correction:
        return Correction(
            source=source,
            kind=kind,
            pull=self._pull.number,
            words=self._safe(words),
            url=url,
            person=who.id,
            login=who.login,
            path=path,
        )


def _read_first_sentence(body: str) -> str:
    """How a finding begins, without its mark and code blocks; '' where that is too long to be quoted."""
    text = html.unescape(MARK.sub("", body).strip().split("\n\n", 1)[0])
    line = _END_OF_SENTENCE.split(" ".join(text.split()), maxsplit=1)[0]
    return line if len(line) <= LONGEST and "://" not in line and "```" not in line else ""
