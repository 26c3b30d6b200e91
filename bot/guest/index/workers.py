"""Reads files in forked processes, so that a file which kills or stalls its reader costs only itself.

A worker takes a batch, says in shared memory which file it is at, and sends the batch's segment back. When
it dies or stays at one file too long, that file is read again without the parser, or else left out, and the
rest of its batch is given to a new worker.
"""

from __future__ import annotations

import marshal
import mmap
import os
import resource
import select
import signal
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from . import analysis, store
from .languages import language

BATCH_FILES = 200
BATCH_BYTES = 4 << 20
FILE_SECONDS = 4.0
WORKER_BYTES = 640 << 20
_TICK = 0.1
OUT_OF_TIME = "out of time"


class FileJob(NamedTuple):
    """A file to be read. ``parse`` 0 leaves the parser out, -1 the file's content."""

    number: int
    path: str
    parse: int = 1


class _Worker:
    """One forked process, and the batch it works on."""

    def __init__(self, top: str, soft: float) -> None:
        self.batch: list[FileJob] = []
        self.at = mmap.mmap(-1, 4)
        self.seen, self.since = -1, 0.0
        self.output, output = os.pipe()
        given, self._input = os.pipe()
        self.received = bytearray()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.output)
                os.close(self._input)
                _run_worker(top, soft, self.at, given, output)
            finally:
                os._exit(0)
        os.close(output)
        os.close(given)

    def give(self, batch: list[FileJob]) -> None:
        """Have it read a batch."""
        self.batch, self.received = batch, bytearray()
        self.seen, self.since = -1, time.monotonic()
        with suppress(BrokenPipeError):  # it is dead, and will be found so
            _send(self._input, [tuple(job) for job in batch])

    def receive(self) -> tuple[bool, store.Segment | None]:
        """Take what the pipe has: whether the batch is done, and its segment unless the worker died."""
        data = os.read(self.output, 1 << 20)
        self.received += data
        if not data:
            return True, None
        if len(self.received) < 8 or struct.unpack("<Q", self.received[:8])[0] > len(self.received) - 8:
            return False, None
        rows, postings = marshal.loads(memoryview(self.received)[8:])  # noqa: S302 - from our own process
        return True, store.Segment([store.FileRow(*row) for row in rows], postings)

    def is_stalled(self, now: float) -> bool:
        """It has been at one file for too long."""
        at = struct.unpack("<i", self.at[:4])[0]
        if at != self.seen:
            self.seen, self.since = at, now
        return now - self.since > FILE_SECONDS

    def end(self) -> None:
        """Kill the process, and note which file it was reading."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.output)
        os.close(self._input)
        self.seen = struct.unpack("<i", self.at[:4])[0]
        self.at.close()


class Pool:
    """Reads jobs with so many processes; from ``soft`` on without the parser, and not beyond ``until``."""

    def __init__(self, top: str, *, processes: int, soft: float, until: float) -> None:
        self._top, self._soft, self._until = top, soft, until
        self._processes = processes
        self._waiting: deque[list[FileJob]] = deque()
        self._working: list[_Worker] = []
        self._idle: list[_Worker] = []

    def read(self, jobs: list[tuple[FileJob, int]]) -> Iterator[store.Segment]:
        """Segments of all jobs (each with its file's size), in any order.

        What time does not suffice for is there by its path, with a note.
        """
        self._waiting.extend(_batches(jobs))
        try:
            while (self._waiting or self._working) and time.monotonic() < self._until:
                self._start()
                yield from self._collect()
        finally:
            for worker in (*self._working, *self._idle):
                worker.end()
        for batch in (*self._waiting, *(worker.batch for worker in self._working)):
            yield store.segment((job.number, _by_path(job, OUT_OF_TIME)) for job in batch)

    def _start(self) -> None:
        while self._waiting and len(self._working) < self._processes:
            worker = self._idle.pop() if self._idle else _Worker(self._top, self._soft)
            worker.give(self._waiting.popleft())
            self._working.append(worker)

    def _collect(self) -> Iterator[store.Segment]:
        """Wait a moment; the segments that are done, and new batches of those whose worker failed."""
        ready, _, _ = select.select([each.output for each in self._working], [], [], _TICK)
        for worker in list(self._working):
            done, part = worker.receive() if worker.output in ready else (False, None)
            if not done and not worker.is_stalled(time.monotonic()):
                continue
            self._working.remove(worker)
            if part is None:
                worker.end()
                self._waiting.extendleft(_retry_batch(worker))
            else:
                self._idle.append(worker)
                yield part


def _batches(jobs: list[tuple[FileJob, int]]) -> Iterator[list[FileJob]]:
    batch: list[FileJob] = []
    room = BATCH_BYTES
    for job, size in jobs:
        if batch and (len(batch) >= BATCH_FILES or size > room):
            yield batch
            batch, room = [], BATCH_BYTES
        batch.append(job)
        room -= size
    if batch:
        yield batch


def _retry_batch(worker: _Worker) -> Iterator[list[FileJob]]:
    """Split a failed batch: the file that the worker was reading, with less parsing, and the other files."""
    at = min(max(worker.seen, 0), len(worker.batch) - 1)
    culprit = worker.batch[at]
    yield [culprit._replace(parse=culprit.parse - 1)]
    if rest := [*worker.batch[:at], *worker.batch[at + 1 :]]:
        yield rest


def _send(fd: int, value: Any) -> None:
    data = marshal.dumps(value)
    data = struct.pack("<Q", len(data)) + data
    while data:
        data = data[os.write(fd, data) :]


def _run_worker(top: str, soft: float, at: mmap.mmap, given: int, output: int) -> None:
    """A worker's life: batch after batch until the pipe closes."""
    limit = WORKER_BYTES + _read_memory_size()
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with open(given, "rb") as source:
        while head := source.read(8):
            data = source.read(struct.unpack("<Q", head)[0])
            batch = [FileJob(*job) for job in marshal.loads(data)]  # noqa: S302 - from our own process
            rows, postings = store.segment(_analyse_batch(top, batch, at, soft))
            _send(output, ([tuple(row) for row in rows], postings))


def _analyse_batch(
    top: str, batch: list[FileJob], at: mmap.mmap, soft: float
) -> Iterator[tuple[int, analysis.Analysis]]:
    for index, job in enumerate(batch):
        at[:4] = struct.pack("<i", index)
        yield job.number, _analyse_file(top, job, late=time.monotonic() > soft)


def _read_memory_size() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * resource.getpagesize()


def _analyse_file(top: str, job: FileJob, *, late: bool) -> analysis.Analysis:
    if job.parse < 0:
        return _by_path(job, "its reader died")
    try:
        fd = os.open(os.path.join(top, job.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # noqa: PTH118
        with open(fd, "rb") as file:  # noqa: PTH123
            data = file.read(analysis.FILE_BYTES + 1)
    except OSError:
        return _by_path(job, "unreadable")
    if len(data) > analysis.FILE_BYTES:
        return _by_path(job, "too large")
    return analysis.analyse(job.path, data, parse=job.parse > 0, late=late)


def _by_path(job: FileJob, note: str) -> analysis.Analysis:
    """A file of which only the path is known."""
    return analysis.Analysis(job.path, language(job.path), 0, [], {}, {}, note)
