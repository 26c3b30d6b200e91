"""How deep the model's call lies below ``bot.run.pipeline.work``: few enough frames to be read in one go."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pydantic_ai.direct

from bot.run import pipeline
from bot.tasks.database.connection import Database
from tests.support import ROOT
from tests.support.flow import DONE, FAULTY, MEND, at_work

MOST_FRAMES = 8
OWN = str(ROOT / "bot")
MODEL_CALLS: set[CodeType] = {
    pydantic_ai.direct.model_request.__code__,
    pydantic_ai.direct.model_request_stream.__code__,
}


def list_own_frames(frame: FrameType | None) -> list[str]:
    """The project's own functions from ``work`` down to ``frame``, outermost first; [] outside of it."""
    found: list[str] = []
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(OWN):
            found.append(f"{Path(code.co_filename).relative_to(ROOT)}: {code.co_qualname}")
        if code is pipeline.work.__code__:
            return found[::-1]
        frame = frame.f_back
    return []


async def test_the_model_is_asked_at_most_eight_frames_below_work(
    tmp_path: Path, home: Path, database: Database
) -> None:
    stacks: list[list[str]] = []

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code in MODEL_CALLS and (own := list_own_frames(frame)):
            stacks.append(own)
            sys.setprofile(None)

    before = sys.getprofile()
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says([MEND], [DONE])
        sys.setprofile(profile)
        try:
            issue = (await hob.issue("calc", "Doubling is wrong", "@hob please fix this"))["number"]
            await hob.comment("calc", issue, "**Done**")
        finally:
            sys.setprofile(before)
    assert stacks, "no model was asked below work"
    for own in stacks:
        assert len(own) <= MOST_FRAMES, "\n".join(own)
