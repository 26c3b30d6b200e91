"""The fork server: has pytest and the tests loaded, and forks a child for everything it is asked to run.

By default pytest collects once and serves from inside its own run loop; a candidate's code is swapped into
the living functions of the child. For changes that take effect on import, a second server has only pytest and
third-party modules loaded; its child collects afresh with the candidate's text put before the import system.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import inspect
import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .. import clock
from . import code_swap, prober, value_swap
from .channel import Channel
from .fresh_session import run_fresh_session
from .line_tracer import LineTracer, is_own
from .recorder import TEXT, Recorder, make_outcome
from .value_swap import CannotSwap, Undo

MEMORY = 320 << 20  # bytes that a child with a change may write beyond what the server has, at least
ADDRESSES = 2 << 30  # bytes that it may reserve beyond that, written or not


class ForkServer(Recorder):
    """Serves requests from inside pytest's run loop."""

    def __init__(self, root: str, channel: Channel, bytecode: str) -> None:
        super().__init__(root)
        self.channel = channel
        self.bytecode = bytecode
        self.items: dict[str, pytest.Item] = {}
        self.index: code_swap.Index = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """What comes now is the repository's code; pytest and its plugins are loaded."""
        _keep_bytecode(self.bytecode)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Announce what was collected, then serve until the controller hangs up."""
        self.items = {item.nodeid: item for item in session.items}
        rows = [[i.nodeid, str(i.path), i.location[2], (i.location[1] or 0) + 1] for i in session.items]
        self.index = code_swap.index_functions(self.root)
        self.channel.send(
            event="ready", items=rows, errors=self.errors, modules=_list_outside_modules(self.root)
        )
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        session.config.pluginmanager.unregister(reporter)  # nobody reads what it would write
        _learn_module_files()
        value_swap.learn_module_files()
        gc.collect()
        gc.freeze()
        serve(self.channel, self.work)
        return True

    def work(self, ask: dict[str, Any]) -> None:
        """In the child: run the tests asked for, once or once for each candidate of a batch."""
        if ask.get("seed"):
            random.seed(os.urandom(16))  # children of one fork server would all draw the same numbers
        tracer = _make_tracer(self.root, ask)
        self.quick = bool(ask.get("quick"))
        if tracer is not None or self.quick:
            _silence_assertions()
        items = [self.items[each] for each in ask["tests"] if each in self.items]
        if self.quick:
            for item in items:
                item.repr_failure = item._repr_failure_py = _return_nothing  # type: ignore[method-assign,assignment]
        examples: list[Any] = [getattr(item, "dtest", None) for item in items]
        names = [(each, dict(each.globs)) for each in examples if each is not None]
        if ask.get("probe"):
            self._probe(items, ask)
            return
        for number, patches in enumerate(ask["batch"]):
            for example, known in names:  # a doctest clears its names when it has run
                example.globs = dict(known)
            replaced: list[Undo] = []
            try:
                for patch in patches:
                    replaced += code_swap.swap(self.index, patch)
            except (CannotSwap, SyntaxError, ValueError, TypeError) as error:
                self.channel.send(event="unfit", number=number, why=f"{type(error).__name__}: {error}")
            else:
                self._run(items, ask, tracer, number)
            for undo in reversed(replaced):
                undo()
            self.channel.send(event="next", number=number)

    def _probe(self, items: list[pytest.Item], ask: dict[str, Any]) -> None:
        """Say what a function gives for many inputs: as it is, and with each candidate of the batch."""
        path, name = ask["probe"]
        function = prober.find_probed(self.index, path, name)
        if function is None:
            return
        recorder = prober.CallRecorder(function.__code__)
        counts = []
        for some in (items[: ask["passing"]], items[ask["passing"] :]):
            for item in some:
                sys.setprofile(recorder.watch)
                try:
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                finally:
                    sys.setprofile(None)
            counts.append(len(recorder.inputs))
        recorded = list(recorder.inputs.values())
        inputs = [*recorded, *prober.make_inputs(recorded, function.__code__)]
        grown = prober.grow_inputs(recorded)
        prober.forbid_writing()
        varied = [prober.find_varied(recorded, each) for each in inputs]
        shown = [prober.render_call(name, each) for each in inputs]
        for number, patches in enumerate([[], *ask["batch"]]):
            replaced: list[Undo] = []
            try:
                for patch in patches:
                    replaced += code_swap.swap(self.index, patch)
            except (CannotSwap, SyntaxError, ValueError, TypeError):
                given, steps = [], 0
            else:
                given = [prober.call(function, each) for each in inputs]
                steps = prober.count_steps(function, grown)
            for undo in reversed(replaced):
                undo()
            self.channel.send(
                event="probed",
                number=number,
                passing=counts[0],
                recorded=len(recorded),
                inputs=shown,
                varied=varied,
                outputs=[each.text for each in given],
                kinds=[each.kind for each in given],
                steps=steps,
            )

    def _run(
        self, items: list[pytest.Item], ask: dict[str, Any], tracer: LineTracer | None, number: int
    ) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.reset()
            began = time.perf_counter()
            with _trace(tracer), _alarm(ask.get("alarm")):
                last = None if len(ask["batch"]) > 1 else following  # nothing may stay set up for the next
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=last)
            seconds = time.perf_counter() - began
            self.channel.send(number=number, **make_outcome(item.nodeid, self, seconds, tracer))
            if self.outcome == "failed" and ask.get("fail_fast"):
                return


def _return_nothing(*_: object, **__: object) -> str:
    return ""


def _silence_assertions() -> None:
    """Let failed assertions say nothing: their messages are slow to make and run suspicious code."""
    rewrite: Any = importlib.import_module("_pytest.assertion.rewrite")
    if hasattr(rewrite, "_saferepr"):
        rewrite._saferepr = lambda value: ""
    if hasattr(rewrite, "_call_reprcompare"):
        rewrite._call_reprcompare = lambda ops, results, words, values: ""


def _learn_module_files() -> None:
    """Have ``inspect`` learn the file of each module once, not in every child that shows a traceback."""
    inspect.getmodule(compile("", "<nothing>", "exec"))


def _make_tracer(root: str, ask: dict[str, Any]) -> LineTracer | None:
    if not ask.get("trace"):
        return None
    only = ask.get("only")
    pairs = None if only is None else {(path, line) for path, line in only}
    return LineTracer(root, only=pairs, types=bool(ask.get("types")))


@contextlib.contextmanager
def _trace(tracer: LineTracer | None) -> Iterator[None]:
    if tracer is None:
        yield
        return
    tracer.start()
    try:
        yield
    finally:
        tracer.stop()


class Hang(BaseException):
    """Raised where a test is when its time is up, so that its traceback shows the loop it does not leave."""


@contextlib.contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return

    def ring() -> None:
        raise Hang("the test did not end")

    with clock.ring_after(seconds, ring):
        yield


def _keep_bytecode(folder: str) -> None:
    """Compile each module once for all children, into a folder outside the repository.

    Whatever is loaded before, pytest and the standard library, comes from the bytecode beside its sources:
    to compile all of that takes some seconds.
    """
    sys.pycache_prefix = folder
    sys.dont_write_bytecode = False


def _list_outside_modules(root: str) -> list[str]:
    """Names of loaded modules that are not the repository's: the one for fresh imports loads them."""
    names = []
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and name != "__main__" and not is_own(os.path.realpath(path), root):
            names.append(name)
    return names


def serve(channel: Channel, work: Any) -> None:
    """Fork a child for each request; say when it is over. Returns when the controller hangs up.

    A child with a change may take twice the memory that the code as it stands took: a loop without an end is
    stopped before it fills the machine.
    """
    plain = 0  # bytes of the largest child before the first with a change
    changed = False
    while (ask := channel.receive()) is not None:
        has_change = bool(any(ask.get("batch", ())) or ask.get("overlay"))
        changed = changed or has_change
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                channel.send(event="started", pid=os.getpid())
                if has_change:
                    _limit_memory(max(MEMORY, 2 * plain))
                work(ask)
            except BaseException as error:  # the child must never fall back into the server's stack
                with contextlib.suppress(BaseException):
                    channel.send(event="crashed", why=f"{type(error).__name__}: {error}"[:TEXT])
            finally:
                os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it can be read until it is waited for
        waited = clock.read_waiting(pid) or 0.0
        _, status = os.waitpid(pid, 0)
        if not changed:
            plain = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        channel.send(event="done", status=status, waited=waited)


def _limit_memory(more: int) -> None:
    """Limit what this process writes, and what it reserves: threads reserve much and write little.

    https://man7.org/linux/man-pages/man2/getrlimit.2.html: RLIMIT_DATA counts private writable mappings.
    """
    sizes = [int(each) * resource.getpagesize() for each in Path("/proc/self/statm").read_text().split()]
    for kind, limit in ((resource.RLIMIT_DATA, sizes[5] + more), (resource.RLIMIT_AS, sizes[0] + ADDRESSES)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (limit, resource.RLIM_INFINITY))


def _load_quick_collection() -> object:
    """The plugin that has pytest pass over files without tests, as in checks: it lies beside theirs."""
    place = Path(__file__).parents[2] / "checks" / "plugins" / "hob_quick_collection.py"
    spec = importlib.util.spec_from_file_location("_hob_quick_collection", place)
    assert spec is not None and spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(argv: list[str]) -> int:
    """``--fork-server SPEC``: SPEC is JSON with root, path, arguments, read, write, modules, bytecode.

    ``modules`` are loaded for a server for fresh imports; None for a server that collects the tests itself.
    """
    spec = json.loads(argv[1])
    root = os.path.realpath(spec["root"])
    sys.path[:0] = spec["path"]
    sys.argv[:] = ["pytest"]
    channel = Channel(spec["read"], spec["write"])
    for fd in (spec["read"], spec["write"]):
        os.set_inheritable(fd, False)
    root = root.rstrip("/") + "/"
    if spec["modules"] is None:
        plugins = [ForkServer(root, channel, spec["bytecode"]), _load_quick_collection()]
        code = pytest.main(spec["arguments"], plugins=plugins)
        channel.send(event="refused", code=int(code))
        return 0
    for name in spec["modules"]:
        with contextlib.suppress(BaseException):  # a module that cannot stand alone is loaded by the child
            importlib.import_module(name)
    _keep_bytecode(spec["bytecode"])
    channel.send(event="ready", items=[], errors=[], modules=[])
    _learn_module_files()
    gc.freeze()
    serve(channel, lambda ask: run_fresh_session(root, spec["arguments"], channel, ask))
    return 0
