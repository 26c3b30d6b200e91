"""One case for each canary of ``planted.py``: the search finds what lies inside, and none of the host's."""

from __future__ import annotations

import asyncio
import json
import secrets

from sandbox.spec import Command
from tests.attack.arena import Arena
from tests.attack.case import Case, Judged
from tests.attack.planted import _FILES, SEARCH

NAMES = (
    *_FILES,
    *("worker's variable", "another process's argument", "another process's variable"),
    *("file in /tmp", "file in /dev/shm", "file in /var"),
    *("loopback service", "agent socket", "abstract socket", "file in memory", "shared memory"),
    *("another run's workspace", "another run's /tmp", "another run's argument", "another run's variable"),
)
_VISIBLE = ("/workspace/visible", "/tmp/visible", "/tmp/home/.netrc")
_OTHER = 'echo "$1" > own; echo "$2" > /tmp/t; echo "$2" > /dev/shm/t; sleep 60'


async def search_inside(arena: Arena) -> bytes:
    """What the search prints, with a second sandbox busy beside it; searched once per arena."""
    found: bytes | None = arena.host.get("searched")  # type: ignore[assignment]
    if found is not None:
        return found
    visible = {path: f"CANARY{secrets.token_hex(12)}" for path in (*_VISIBLE, "argument", "variable")}
    async with arena.fresh() as other, arena.fresh() as sandbox:
        words = [arena.planted.word(name) for name in NAMES[-4:]]
        busy = asyncio.ensure_future(
            other.run(
                Command(argv=("sh", "-c", _OTHER, "sh", *words[:2], words[2]), env=(("TOKEN", words[3]),))
            )
        )
        for path in _VISIBLE:
            await sandbox.run(Command(argv=("sh", "-c", 'echo "$1" > "$2"', "sh", visible[path], path)))
        asked = {"paths": arena.planted.paths, "port": arena.planted.port}
        asked |= {"abstract": arena.planted.abstract, "socket": str(arena.home / "agent.sock")}
        command = Command(
            argv=("python3", "-I", "-c", SEARCH, visible["argument"]),
            stdin=json.dumps(asked).encode(),
            env=(("VISIBLE", visible["variable"]),),
            output_bytes=1 << 20,
        )
        ran = await sandbox.run(command)
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
    assert ran.ok, ran.text[-500:]
    arena.host |= {"searched": ran.output, "visible": list(visible.values())}
    return ran.output


def _hidden(name: str) -> Judged:
    async def attack(arena: Arena) -> None:
        found = arena.planted.found_in(await search_inside(arena))
        assert name in arena.planted.words, "it was not planted"
        assert name not in found, "IT WAS READ"

    return attack


async def _visible(arena: Arena) -> None:
    output = await search_inside(arena)
    visible: list[str] = arena.host["visible"]  # type: ignore[assignment]
    missed = [word for word in visible if word.encode() not in output]
    assert not missed, f"the search does not find {len(missed)} of {len(visible)} words inside"


CASES = [Case("canaries", name, _hidden(name), _visible) for name in NAMES]
