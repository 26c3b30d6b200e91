"""What people said against Hob's work, as it is gathered where a repository agreed to that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath


class CorrectionKind(StrEnum):
    """How somebody corrected Hob."""

    SAID = "said"  # in a comment, a review or a commit's message
    EDITED = "edited"  # by a commit on top of Hob's, in place of a line of Hob's
    DISMISSED = "dismissed"  # by turning down a finding of Hob's


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One correction on one pull request.

    ``source`` names what it was taken from, once in a repository (``comment:55:0``). ``words`` are plain text
    on one line: what was said, what stands in place of what, or the finding that was turned down. ``path`` is
    the file that it is about, '' where none is named.
    """

    source: str
    kind: CorrectionKind
    pull: int
    words: str
    url: str
    person: int
    login: str
    path: str = ""

    @property
    def file_kind(self) -> str:
        """The file's ending, or its name where it has none; '' without a file."""
        name = PurePosixPath(self.path).name
        return PurePosixPath(name).suffix.lower() or name


class RuleState(StrEnum):
    """What became of a rule that was to be proposed."""

    WANTED = "wanted"  # its pull request is still to be opened
    OPENED = "opened"
    MERGED = "merged"
    CLOSED = "closed"  # without being merged: it is never proposed again
    KNOWN = "known"  # the repository's files said so already


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedRule:
    """A rule as a sentence, made from corrections on several pull requests.

    ``key`` is the rule's name in its branch and in the record of its pull request. ``seeds`` are the
    corrections that it came from.
    """

    key: str
    kind: CorrectionKind
    words: str
    file_kind: str
    seeds: tuple[Correction, ...]
    state: RuleState = RuleState.WANTED
    pull: int = 0
