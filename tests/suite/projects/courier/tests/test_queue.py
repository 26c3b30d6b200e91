import asyncio

import pytest
from courier.queue import JobQueue, batches, first_result


def job(value, log=None):
    async def action():
        await asyncio.sleep(0)
        if log is not None:
            log.append(value)
        if isinstance(value, Exception):
            raise value
        return value

    return action


def test_results_and_errors():
    queue = JobQueue()
    problem = ValueError("no")
    queue.add("one", job(1))
    queue.add("two", job(problem))
    asyncio.run(queue.run())
    assert queue.results == {"one": 1}
    assert queue.errors == {"two": problem}
    assert len(queue) == 0


def test_priorities_then_age():
    log = []
    queue = JobQueue(workers=1)
    queue.add("a", job("a", log))
    queue.add("b", job("b", log), priority=5)
    queue.add("c", job("c", log), priority=5)
    queue.add("d", job("d", log), priority=-1)
    assert queue.waiting() == ["b", "c", "a", "d"]
    asyncio.run(queue.run())
    assert log == ["b", "c", "a", "d"]


def test_workers_work_side_by_side():
    queue = JobQueue(workers=3)
    for name in "abcde":
        queue.add(name, job(name))
    asyncio.run(queue.run())
    assert queue.most_at_once == 3
    assert len(queue.results) == 5


def test_a_job_may_add_jobs():
    queue = JobQueue(workers=1)

    async def parent():
        queue.add("child", job("c"))
        return "p"

    queue.add("parent", parent)
    asyncio.run(queue.run())
    assert queue.results == {"parent": "p", "child": "c"}


def test_a_name_can_come_again_once_it_ran():
    queue = JobQueue()
    queue.add("a", job(1))
    with pytest.raises(ValueError, match="waiting already"):
        queue.add("a", job(2))
    asyncio.run(queue.run())
    queue.add("a", job(3))
    asyncio.run(queue.run())
    assert queue.results == {"a": 3}


def test_cancelling():
    queue = JobQueue()
    queue.add("a", job(1))
    queue.add("b", job(2))
    assert queue.cancel("a") is True
    assert queue.cancel("a") is False
    assert queue.waiting() == ["b"]
    queue.add("a", job(4))
    asyncio.run(queue.run())
    assert queue.results == {"a": 4, "b": 2}


async def numbers(end):
    for number in range(end):
        await asyncio.sleep(0)
        yield number


@pytest.mark.parametrize(
    ("end", "expected"), [(5, [[0, 1], [2, 3], [4]]), (4, [[0, 1], [2, 3]]), (1, [[0]]), (0, [])]
)
def test_batches(end, expected):
    async def main():
        return [batch async for batch in batches(numbers(end), 2)]

    assert asyncio.run(main()) == expected


def test_the_first_result_wins_and_the_others_end():
    ended = []

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("never")

    async def soon():
        await asyncio.sleep(0)
        return "soon"

    assert asyncio.run(first_result(never, soon)) == "soon"
    assert ended == ["never"]
