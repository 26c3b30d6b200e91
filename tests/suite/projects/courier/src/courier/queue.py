"""Jobs with priorities, worked off by several workers."""

import asyncio
import heapq
from dataclasses import dataclass, field
from itertools import count


@dataclass(order=True)
class Job:
    """The higher the priority the sooner; of one priority the older first."""

    rank: tuple
    name: str = field(compare=False)
    action: object = field(compare=False)


class JobQueue:
    """``add`` jobs, then ``run`` them; results and errors by the job's name."""

    def __init__(self, workers=2):
        self.workers = workers
        self.results = {}
        self.errors = {}
        self._heap = []
        self._number = count()
        self._names = set()
        self.most_at_once = 0
        self._running = 0

    def __len__(self):
        return len(self._heap)

    def add(self, name, action, priority=0):
        """A coroutine function without arguments. Raises ValueError for a name that is waiting."""
        if name in self._names:
            raise ValueError(f"{name!r} is waiting already")
        self._names.add(name)
        heapq.heappush(self._heap, Job((-priority, next(self._number)), name, action))

    def cancel(self, name):
        """Take a waiting job away; returns whether it was there."""
        if name not in self._names:
            return False
        self._names.discard(name)
        self._heap = [job for job in self._heap if job.name != name]
        heapq.heapify(self._heap)
        return True

    def waiting(self):
        """Names in the order in which they will be run."""
        return [job.name for job in sorted(self._heap)]

    async def run(self):
        """Work until nothing waits, jobs that jobs add included."""
        await asyncio.gather(*(self._work() for _ in range(self.workers)))

    async def _work(self):
        while self._heap:
            job = heapq.heappop(self._heap)
            self._names.discard(job.name)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            try:
                self.results[job.name] = await job.action()
            except Exception as error:
                self.errors[job.name] = error
            finally:
                self._running -= 1


async def batches(source, size):
    """Lists of at most ``size`` items of an asynchronous iterable, in order, none of them empty."""
    batch = []
    async for item in source:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def first_result(*actions):
    """The result of the action that is done first; the others are cancelled."""
    tasks = [asyncio.ensure_future(action()) for action in actions]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
