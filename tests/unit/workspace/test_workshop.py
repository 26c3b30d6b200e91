"""What is done side by side for a checkout ends with it, however that ends."""

from __future__ import annotations

import asyncio

import pytest

from bot.workspace.workshop import run_beside


async def work(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def fail() -> str:
    raise ValueError("the work's own")


async def test_the_result_is_there_for_the_block() -> None:
    async with run_beside(work(0.0)) as beside:
        assert await beside == "done"


async def test_work_that_nobody_waits_for_any_more_has_ended() -> None:
    with pytest.raises(KeyError):
        async with run_beside(work(3600.0)) as beside:
            raise KeyError("the block's own")
    assert beside.cancelled()


async def test_an_error_of_the_work_is_the_blocks_where_it_waits() -> None:
    with pytest.raises(ValueError, match="the work's own"):
        async with run_beside(fail()) as beside:
            await beside


async def test_an_error_that_nobody_waits_for_hides_no_other() -> None:
    with pytest.raises(KeyError):
        async with run_beside(fail()):
            await asyncio.sleep(0)
            raise KeyError("the block's own")
