"""What the agent is given: trust-labelled texts, and how much it may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bot.domain.task import TaskKind
from bot.domain.tree_facts import TreeFacts


class Trust(StrEnum):
    """How the agent must take a text."""

    INSTRUCTION = "instruction"
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptText:
    """A text with its origin. Only text by people who may write is an instruction; the rest is data."""

    trust: Trust
    where: str  # "issue #3", "review comment on src/x.py:12", "AGENTS.md"
    author: str
    permission: str
    at: str  # ISO 8601, or ""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A text that the agent read as data and that reads like orders to it, by the names of its signs."""

    where: str  # "comment on #3", "shell: cat NOTES.md"
    signs: tuple[str, ...]
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentedLines:
    """The lines that an inline review comment is about, as the reviewer saw them in ``hunk``."""

    path: str
    line: int  # the last line, on the head side, from 1
    start: int = 0  # the first line of several, 0 for a single one
    hunk: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that the agent is shown of a task; each of ``nearby`` only when the work gets below its folder."""

    kind: TaskKind
    request: str
    title: str
    texts: tuple[PromptText, ...] = ()
    test_command: str = ""
    lint_command: str = ""
    repository: str = ""
    branch: str = ""
    stands_at: str = ""  # the branch and the commit that the work begins from, as Markdown; '' if unknown
    spot: CommentedLines | None = None
    nearby: tuple[PromptText, ...] = ()
    internet: str = ""  # what commands may reach, as a phrase; '' for nothing
    more_tests: tuple[str, ...] = ()  # the commands of the checks after the first
    facts: TreeFacts = field(default_factory=TreeFacts)
    # the review comments that a reply can be for; None in briefs from before they were listed
    answerable: tuple[int, ...] | None = None
    budget: str = ""  # what the work may use, as a phrase
    environment: str = ""  # what the sandbox has and lacks, and how the checks end on base: data
    suspicions: tuple[Suspicion, ...] = ()  # in quoted texts, including hidden parts that were removed
    orientation: str = ""  # a map of the repository for this request: data, as hostile as file names are

    @property
    def asked(self) -> str:
        """What is asked for, with the thread's title: it may name what the request only points at."""
        return f"{self.title}\n{self.request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Checked before each model call; at a limit, what exists is published as it is."""

    turns: int = 60
    seconds: float = 1800.0
    usd: float = 5.0
    tokens: int = 2_000_000
