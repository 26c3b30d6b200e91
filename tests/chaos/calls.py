"""Faults on the calls that the bot makes for one quiet task, so that a new call is attacked by itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.chaos.play import Chaos

TOGETHER = 4
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"kind": "status", "status": 401, "body": {"message": "Bad credentials"}},
    "403": {"kind": "status", "status": 403, "body": {"message": "Resource not accessible by integration"}},
    "404": {"kind": "status", "status": 404, "body": {"message": "Not Found"}},
    "502": {"kind": "status", "status": 502},
    "502 though done": {"kind": "status", "status": 502, "after": True},
    "502 as a page": {"kind": "status", "status": 502, "body": "<html>Unicorn!</html>"},
    "reset": {"kind": "reset"},
    "reset though done": {"kind": "reset", "after": True},
    "no answer though done": {"kind": "timeout"},
    "3 s late": {"kind": "delay", "seconds": 3},
    "secondary limit": {"kind": "secondary_limit", "seconds": 1},
    "primary limit": {"kind": "primary_limit", "seconds": 1},
    "429": {"kind": "too_many", "seconds": 1},
    "five times 503": {"kind": "status", "status": 503, "count": 5},
}
OURS = ("hob[bot]", "app:hob")
_REPO = re.compile(r"^.*/maintainer/calc\d+")  # what stands before does not matter


class Call(NamedTuple):
    """A request that the bot makes: as whom, method, and a pattern of the path, with /REPO in it."""

    login: str
    method: str
    path: str


async def find_calls(chaos: Chaos) -> list[Call]:
    """The requests of one task that meets no fault."""
    await chaos.hob.hub.admin("requests", clear=True)
    row = chaos.add_row("quiet")
    await chaos.play(row, "quiet")
    made = await chaos.hob.hub.admin("requests")
    found: dict[Call, None] = {}
    for one in made:
        if one["actor"] in OURS:
            path = _REPO.sub("/REPO", one["path"].split("?")[0])
            path = re.sub(r"[0-9a-f]{40}", "[0-9a-f]{40}", re.sub(r"(?<=/)\d+", r"\\d+", path))
            found[Call(one["actor"], one["method"], path)] = None
    return list(found)


async def attack_calls(chaos: Chaos, calls: Sequence[Call], *, all_kinds: bool) -> None:
    """One fault at a time on every call; whoever else makes it, as this program does, is spared."""
    names = list(FAULTS)
    plays = [
        (name, call)
        for at, call in enumerate(calls)
        for name in (names if all_kinds else [names[at % len(names)]])
    ]
    rows = {name: chaos.add_row(name) for name in names}
    gate = asyncio.Semaphore(TOGETHER)

    async def one(name: str, call: Call) -> None:
        async with gate:
            fault = {**FAULTS[name], "login": call.login, "method": call.method}
            await chaos.play(rows[name], f"{call.method} {call.path}", fault, call.path)

    await asyncio.gather(*(one(*play) for play in plays))
    await chaos.hob.hub.admin("clear")


async def attack_at_random(chaos: Chaos, requests: int) -> None:
    """Any fault on any of the bot's requests, one in ten of them, while requests are worked on."""
    row = chaos.add_row("one request in ten, at random")
    playing = asyncio.gather(*(chaos.play(row, row.name) for _ in range(requests)))
    while not playing.done():
        fault = FAULTS[chaos.chance.choice(list(FAULTS))]
        await chaos.hob.hub.admin("clear")
        login = chaos.chance.choice(OURS)
        await chaos.hob.hub.fault(
            **{**fault, "path": ".*", "login": login, "skip": chaos.chance.randrange(20)}
        )
        await asyncio.sleep(0.2)
    await playing
    await chaos.hob.hub.admin("clear")
