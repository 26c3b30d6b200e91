"""What the tools of one run share: the sandbox, its earlier outputs, and what they leave for the outcome."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import ToolCallPart

from bot.agent.background_commands import BackgroundCommands
from bot.domain import CheckResult, Note, Outcome, OutcomeKind, PromptText, Reply, Step, Suspicion, Usage
from bot.injection.score import TextBefore
from bot.text.terminal import SHOWN_CHARS, bound_output, fold_long_lines
from sandbox.spec import WORKSPACE, Command, CommandResult, Sandbox

GUEST = "/opt/hob/guest"
OWN_WEIGHTS = "/opt/hob/tuned"  # a folder with the weights.json of `hob tune`
GUEST_SECONDS = 30.0
KEPT_OUTPUTS = 30
MOST_SUSPICIONS = 20
NETWORK_CUT = "a text that was read looks like orders to the agent, so nothing is let out any more"
MOST_CHECKS = 12  # calls of ``check`` in one run, each as long as the proof itself
_BREAKS = re.compile(r"[\s'\"`;|&()<>=:,]+")


class ToolError(Exception):
    """A call that did not work; the message tells the model how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutput:
    """A tool's result. ``ok`` is False where it reports a failure (exit code 1)."""

    text: str
    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The end as the model reported it with ``finish``."""

    kind: OutcomeKind
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedCall:
    """A call with its result or error. ``malformed``: its arguments were invalid, so the tool did not run."""

    call: ToolCallPart
    text: str
    ok: bool
    malformed: bool = False
    milliseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """One of the repository's checks as it was run on the workspace's files in a clean sandbox."""

    name: str
    command: str
    result: CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksReport:
    """All checks of one call of ``check``; ``held`` are changed paths that are not published, and why."""

    checks: tuple[CheckReport, ...] = ()
    held: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()


# Runs the checks as the proof will; raises UserError where the change is not to be published at all.
RunChecks = Callable[[], Awaitable[ChecksReport]]


class ToolContext:
    """What the tools share. ``edited`` says whether a file tool changed anything."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        seconds_left: Callable[[], float],
        nearby: Sequence[PromptText] = (),
        answerable: Sequence[int] | None = None,
        run_checks: RunChecks | None = None,
        background: BackgroundCommands,
    ) -> None:
        self.sandbox = sandbox
        self.background = background
        self.answerable = answerable  # review comments that a reply can be for; None: any
        self.run_checks = run_checks
        self.checks_left = MOST_CHECKS
        self.shown_chars = SHOWN_CHARS  # of one output
        self.nearby = list(nearby)  # guidance for folders that no call has touched yet
        self.plan: tuple[Step, ...] = ()
        self.notes: list[Note] = []
        self.replies: list[Reply] = []
        self.finish: Finish | None = None
        self.edited = False
        self.lines_there: set[tuple[str, int]] = set()  # seen since a command could change files
        self.text_before = TextBefore()
        self.suspicions: list[Suspicion] = []  # texts that read like orders, the first of each place
        self._seconds_left = seconds_left
        self._outputs: OrderedDict[str, str] = OrderedDict()
        self._output_count = 0

    @property
    def seconds_left(self) -> float:
        """Seconds of the run's time limit that are left."""
        return self._seconds_left()

    async def run(
        self,
        *argv: str,
        stdin: bytes = b"",
        seconds: float | None = None,
        split_stderr: bool = False,
        reads_only: bool = False,
    ) -> CommandResult:
        """Run a command in the workspace, never longer than the run itself may last.

        Raises ToolError when that time is over: one answer may hold any number of calls.
        """
        left = self._seconds_left()
        if left <= 0:
            raise ToolError("not run: the time that the work may take is over")
        left = max(1.0, left)
        seconds = left if seconds is None else min(seconds, left)
        try:
            return await self.sandbox.run(
                Command(argv=argv, stdin=stdin, cwd=WORKSPACE, seconds=seconds, split_stderr=split_stderr)
            )
        finally:
            if not reads_only or self.background.were_any:
                self.lines_there.clear()

    async def run_guest(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the file program inside the sandbox. Raises ``ToolError`` with what it says is wrong."""
        completed = await self.run(
            *make_guest_argv("files"),
            stdin=json.dumps(request).encode(),
            seconds=GUEST_SECONDS,
            split_stderr=True,
            reads_only=request["op"] == "read",
        )
        try:
            answer = json.loads(completed.output)
        except ValueError:
            said = completed.errors.decode("utf-8", "replace")[-500:]
            raise ToolError(
                f"the file could not be handled: {completed.ending}, exit code {completed.exit_code}. {said}"
            ) from None
        if not isinstance(answer, dict) or not answer.get("ok"):
            raise ToolError(str(answer.get("error") if isinstance(answer, dict) else answer))
        return answer

    def take_guidance(self, done: Iterable[ExecutedCall]) -> list[PromptText]:
        """The guidance for where these calls were, the nearest last; each is given once."""
        places = [place for each in done if not each.malformed for place in _find_paths(each.call)]
        found = [
            text
            for text in self.nearby
            if any(place.startswith(text.where.rpartition("/")[0] + "/") for place in places)
        ]
        self.nearby = [text for text in self.nearby if text not in found]
        return found

    def shorten(self, text: str) -> str:
        """A long output without its middle; the whole is kept, to be read as ``output:3`` or so."""
        if len(text) <= self.shown_chars:
            return text
        text = fold_long_lines(text)
        self._output_count += 1
        name = f"output:{self._output_count}"
        self._outputs[name] = text
        while len(self._outputs) > KEPT_OUTPUTS:
            self._outputs.popitem(last=False)
        return bound_output(text, name, chars=self.shown_chars)

    def load_output(self, name: str) -> str:
        """A kept output. Raises ``ToolError`` for one that was dropped."""
        if name not in self._outputs:
            raise ToolError(f"{name} is not kept any more; run the command again")
        return self._outputs[name]

    def make_outcome(self, kind: OutcomeKind, *, title: str = "", summary: str, usage: Usage) -> Outcome:
        """An outcome with the plan, notes, replies and suspicions collected so far."""
        return Outcome(
            kind=kind,
            title=title,
            summary=summary,
            plan=self.plan,
            notes=tuple(self.notes),
            replies=tuple(self.replies),
            usage=usage,
            suspicions=tuple(self.suspicions),
        )

    async def suspect(self, found: Sequence[Suspicion]) -> bool:
        """Note suspicious texts that were read, and cut the network at the first; whether it was cut now."""
        known = {each.where for each in self.suspicions}
        first = bool(found) and not known
        if first:
            await self.sandbox.cut_network(NETWORK_CUT)
        new = [each for each in found if each.where not in known]
        self.suspicions += new[: MOST_SUSPICIONS - len(self.suspicions)]
        return first


def make_guest_argv(module: str) -> tuple[str, ...]:
    """The start of a guest program: imported, so that its compiled form is read, and without ``site``.

    That halves the time of such a short program.
    """
    start = f"import sys; sys.path.append({GUEST!r}); from {module} import main; main()"
    return "python", "-I", "-S", "-c", start


def _find_paths(call: ToolCallPart) -> list[str]:
    """The paths that a call names, with a slash behind; of a command every word that may be one."""
    arguments = call.args_as_dict()
    named = [str(arguments.get("path", "")), *_BREAKS.split(str(arguments.get("command", "")))]
    return [f"{to_workspace_path(each).removeprefix('./')}/" for each in named if each]


def to_workspace_path(path: str) -> str:
    """The path to give to the guest: relative to the workspace for a path inside it, else unchanged."""
    path = path.strip() or "."
    if path == WORKSPACE:
        return "."
    return path.removeprefix(f"{WORKSPACE}/") or "."
