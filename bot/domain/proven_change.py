"""A proved change and where it is to be published: what proving hands to publishing.

The commit is made from exactly this, so every worker that takes it up makes the same one, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Where a pull request comes from. ``url`` is '' when the fork is gone or its author lets nobody push."""

    number: int
    name: str
    url: str
    branch: str
    base: str  # the branch here that it asks to be merged into


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenChange:
    """A proved result and where it goes. ``head`` is the branch's commit, None when there was none."""

    result: Result
    branch: str
    head: str | None
    hidden: tuple[str, ...]  # invisible text that was removed from the thread
    run_url: str
    ordinal: int = 0  # which attempt it is
    root: int = 0  # at whose request, where the task does not say it
    fork: Fork | None = None  # where the pull request comes from, when that is not here
    protected: tuple[str, ...] = ()  # hob.yml's patterns, for what a fork's branch may hold here
    prefix: str = "hob/"  # what the branch's name has to begin with; the whole name where Hob opened it
    choice: str = ""  # how many attempts there were and why this one, in one line of Markdown
