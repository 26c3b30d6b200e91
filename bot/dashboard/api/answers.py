"""What the API answers: each field with what it is. docs/api.md lists the same, which a test holds.

Fields may be added in a version of the API; none is taken away or means something else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskAnswer(_Answer):
    """A task as an item of a list."""

    id: int = Field(description="the task's number")
    kind: str = Field(description="what was asked for, such as change, review or answer")
    state: str = Field(description="queued, running, waiting, done, failed, cancelled or refused")
    verdict: str = Field(description="of the last proof: proved, doubtful, partly, fails, not run, or empty")
    reason: str = Field(description="why it waits or how it ended; may be empty")
    repository: str = Field(description="owner/name")
    thread: int = Field(description="number of the issue or pull request where it was asked")
    title: str = Field(description="that thread's title")
    request: str = Field(description="the words of the request")
    person: str = Field(description="login of who asked")
    created_at: datetime = Field(description="when it was asked, in UTC")
    pull: int | None = Field(description="number of the pull request, where there is one")
    model: str | None = Field(description="the model of the published or first attempt")
    usd: float | None = Field(description="US dollars for model calls of all its runs")
    seconds: float | None = Field(description="how long its last run has taken")
    run: int | None = Field(description="number of its last run")


class TaskPage(_Answer):
    """Tasks, the newest first."""

    tasks: list[TaskAnswer] = Field(description="at most 50")
    before: int | None = Field(description="what to give as before for the next page; null on the last one")


class AttemptAnswer(_Answer):
    """One attempt at a task's request."""

    ordinal: int = Field(description="its number among the attempts, from 1")
    state: str = Field(description="running, ended, failed or stopped")
    chosen: bool = Field(description="whether it is what was published")
    model: str = Field(description="the model's name")
    run: int = Field(description="number of the run that made it")
    proof: str | None = Field(description="state of its proof, where it has one")
    error: str = Field(description="why it failed; may be empty")


class RunAnswer(_Answer):
    """One run of a task."""

    id: int = Field(description="the run's number")
    task: int = Field(description="its task's number")
    state: str = Field(description="running, or how it ended")
    phase: str | None = Field(description="prepare, think, prove or publish")
    started_at: datetime = Field(description="when it began, in UTC")
    ended_at: datetime | None = Field(description="when it ended; null while it goes on")
    base: str = Field(description="the commit it worked on; may be empty")
    error: str = Field(description="how it ended, where that was no success; may be empty")
    plan: list[dict[str, Any]] | None = Field(description="steps: text, state")
    outcome: dict[str, Any] | None = Field(
        description="what the agent handed over: kind, title, summary and more"
    )
    proof: dict[str, Any] | None = Field(description="the checks on both sides, and what stood in their way")
    usage: dict[str, Any] | None = Field(description="turns, tokens, usd, seconds")
    diff: str = Field(description="the change as a unified diff; may be empty")


class TaskDetails(TaskAnswer):
    """One task with all of its runs and attempts."""

    runs: list[int] = Field(description="numbers of its runs, the first one first")
    attempts: list[AttemptAnswer] = Field(description="the attempts at its request")


class TurnsAnswer(_Answer):
    """A part of a run's transcript."""

    turns: list[dict[str, Any]] = Field(description="records of turns: seq, text, calls, usage and more")
    after: int | None = Field(description="what to give as after for the next part; null when there was none")


class FigureAnswer(_Answer):
    """One group of tasks."""

    name: str = Field(description="the week, repository, person, kind or flag's value")
    tasks: int = Field(description="how many were asked for")
    done: int = Field(description="how many are done")
    failed: int = Field(description="how many failed")
    pulls: int = Field(description="pull requests")
    proved: int = Field(description="how many ended with a proof that passed")
    usd: float = Field(description="US dollars for model calls")
    usd_per_pull: float | None = Field(description="the same for each pull request")
    minutes: float | None = Field(description="median time from request to end, of what is done")
    merged: int = Field(description="pull requests that were merged")
    closed: int = Field(description="pull requests that were closed without being merged")
    merge_rate: float | None = Field(description="merged ones among those that are closed, 0 to 1")
    hours_to_merge: float | None = Field(description="the median, from the first request to the merge")
    rounds: float | None = Field(description="how often feedback was worked on, the mean of a pull request")
    reverted: int = Field(description="merged ones that another one reverted")
    usd_per_merged: float | None = Field(description="dollars for each that was merged")
    thumbs_up: int = Field(description="on the threads of pull requests that are closed")
    thumbs_down: int = Field(description="the same, down")


class FiguresAnswer(_Answer):
    """Figures of a period."""

    by: str = Field(description="what the groups are")
    period: str = Field(description="month, quarter or year")
    groups: list[FigureAnswer] = Field(description="at most 200")


ANSWERS = (
    TaskPage,
    TaskAnswer,
    TaskDetails,
    AttemptAnswer,
    RunAnswer,
    TurnsAnswer,
    FiguresAnswer,
    FigureAnswer,
)
