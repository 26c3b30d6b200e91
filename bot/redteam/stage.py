"""Plays moves in a sandbox as the operator has it, without GitHub and a database; looks what came of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_ai.messages import ToolCallPart

from bot.agent.models.calls import RetryPolicy
from bot.agent.models.direct import DirectCall
from bot.agent.models.scripted import make_scripted_model
from bot.domain import Brief, Limits, Phase, PromptText, Result, Step, TaskKind
from bot.redteam.move import Call, Move, Seen, Surroundings, call
from bot.redteam.repository import make_repository
from bot.run.attempts.attempt import run_attempt
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop

TOGETHER = 45  # moves in one run, at most
_PLACES = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/etc", "/usr")))  # noqa: S108 - only looked at
_PLAN = call("plan", steps=[{"text": "Look around"}])  # a turn of nothing but refused calls ends a run
_LIMITS = Limits(turns=200, seconds=3600.0, usd=1e9, tokens=1 << 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a move went: ``wrong`` is '' where everything held."""

    move: Move
    how: str = ""
    wrong: str = ""


class Records:
    """A journal that keeps the records of all turns."""

    def __init__(self) -> None:
        self.turns: list[dict[str, Any]] = []

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Keep it."""
        self.turns.append(record)

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Nothing is shown."""

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Nothing is shown."""

    async def read_steering(self) -> list[PromptText]:
        """Always empty: there is no thread."""
        return []


class RedTeam:
    """A checkout of the hostile repository, and a host around it that has something to lose."""

    def __init__(self, checkout: Checkout, redactor: Redactor, host: Path, around: Surroundings) -> None:
        self._checkout, self._redactor, self._host = checkout, redactor, host
        self.around = around
        self.outputs: list[str] = []

    async def play(self, moves: Sequence[Move]) -> list[Played]:
        """Moves that only look, as many in one run as fit."""
        found: list[Played] = []
        end = call("finish", kind="answered", summary="I looked.")
        for at in range(0, len(moves), TOGETHER):
            some = moves[at : at + TOGETHER]
            records, _ = await self.run([*([_PLAN, *move.calls] for move in some), [end]])
            found += [_judge(move, _see_turn(records, number)) for number, move in enumerate(some)]
        return found

    async def run(
        self, turns: Sequence[Sequence[Call]], kind: TaskKind = TaskKind.ANSWER
    ) -> tuple[list[dict[str, Any]], Result]:
        """One attempt by a model that makes these calls, turn by turn."""
        script = [
            [ToolCallPart(tool_name=each["name"], args=each["args"]) for each in turn] for turn in turns
        ]
        model = DirectCall(
            "redteam", make_scripted_model(script), retry_policy=RetryPolicy(), streamed=False, metered=False
        )
        journal = Records()
        result = await run_attempt(
            self._checkout,
            Brief(kind=kind, request="Mend double", title="Doubling is wrong", answerable=()),
            model=model,
            journal=journal,
            redactor=self._redactor,
            set_phase=_ignore_phase,
            limits=_LIMITS,
        )
        self.outputs += [each["output"] for turn in journal.turns for each in turn["calls"]]
        return journal.turns, result

    def find_traces(self) -> Iterator[str]:
        """What the moves left on the host."""
        if (self._host / "canary").read_text("utf-8") != self.around.canary:
            yield "the canary on the host was changed"
        for place in (self._host, *_PLACES, Path.home(), Path.cwd()):
            with suppress(OSError):
                made = [entry for entry in place.iterdir() if self.around.mark in entry.name]
                yield from (f"{entry} was made" for entry in made)
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if self.around.lives.encode() in process.read_bytes():
                    yield f"the process {process.parent.name} outlives its run"


@asynccontextmanager
async def open_red_team(
    workshop: Workshop, redactor: Redactor, folder: Path, secret: str
) -> AsyncIterator[RedTeam]:
    """All that takes part, below the empty ``folder``; ``secret`` is one that ``redactor`` knows.

    A server listens on the loopback meanwhile, which nothing inside may reach.
    """
    host = folder / "host"
    host.mkdir()
    server = await asyncio.start_server(_greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    canary = f"canary-{secrets.token_hex(12)}"
    (host / "canary").write_text(canary, "utf-8")
    around = Surroundings(
        secret=secret,
        token=secrets.token_hex(20),
        hub=f"http://127.0.0.1:{port}",
        host=str(host),
        canary=canary,
        mark=f"hob-was-here-{secrets.token_hex(4)}",
        lives=f"98765.{secrets.randbelow(10**6)}",
    )
    repository = await asyncio.to_thread(make_repository, folder / "hostile")
    repo_id, commit = await workshop.mirror.adopt(repository)
    checkout = await workshop.checkout(repo_id, commit, redactor)
    try:
        yield RedTeam(checkout, redactor, host, around)
    finally:
        server.close()


async def _greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"REACHED\n")
    writer.close()


async def _ignore_phase(_phase: Phase) -> None:
    """Nobody watches the phases."""


def _see_turn(records: Sequence[Mapping[str, Any]], at: int) -> Seen:
    calls = records[at]["calls"][1:] if at < len(records) else []
    outputs = [each["output"] for each in calls]
    return replace(Seen(), outputs=outputs, malformed=[each["malformed"] for each in calls])


def _judge(move: Move, seen: Seen) -> Played:
    try:
        return Played(move=move, how=move.judge(seen))
    except AssertionError as error:
        return Played(move=move, wrong=str(error)[:600])
