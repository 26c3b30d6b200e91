"""How deep the model's call lies below ``bot.run.pipeline.work``: few enough frames to be read in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pydantic_ai

from bot.run import pipeline
from bot.tasks.database.connection import Database
from tests.support import ROOT
from tests.support.flow import DONE, FAULTY, MEND, at_work

MOST_FRAMES = 8
OWN = str(ROOT / "bot")
PYDANTIC_AI = str(Path(pydantic_ai.__file__).parent)


def list_awaited(coroutine: Any) -> Iterator[CodeType]:
    """The functions of a suspended stack of coroutines, outermost first."""
    while coroutine is not None and hasattr(coroutine, "cr_code"):
        yield coroutine.cr_code
        coroutine = coroutine.cr_await


def list_own_frames() -> list[str]:
    """The project's own functions from ``work`` to the model's call, of the task that waits for an answer."""
    for task in asyncio.all_tasks():
        stack = list(list_awaited(task.get_coro()))
        if pipeline.work.__code__ not in stack:
            continue
        below = stack[stack.index(pipeline.work.__code__) :]
        called = next((at for at, code in enumerate(below) if code.co_filename.startswith(PYDANTIC_AI)), None)
        if called is not None:
            return [
                f"{Path(code.co_filename).relative_to(ROOT)}: {code.co_qualname}"
                for code in below[:called]
                if code.co_filename.startswith(OWN)
            ]
    return []


async def test_the_model_is_asked_at_most_eight_frames_below_work(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says_held([MEND], [DONE])
        issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
        await hob.until_asked()
        own = list_own_frames()
        hob.go_on()
        await hob.comment("calc", issue, "**Done**")
    assert own, "no task of ``work`` waits for the model"
    assert len(own) <= MOST_FRAMES, "\n".join(own)
