"""Runs tests with a change applied: in living functions where that shows it, else by fresh imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .. import clock
from ..baseline import Baseline
from ..candidates import Candidate
from ..localise import Findings
from ..patches import make_patches
from ..source import TextEdit, apply_edits
from .client import ForkServerClient, RunReport

LEAST_EACH, MOST_EACH = 0.4, 0.8  # seconds before a try counts as one that hangs, where the tests are quick
COVERING_SECONDS = 4.0  # of passing tests that run on each candidate that passes the pilots


class CandidateRunner:
    """Applies candidates and runs tests: on the server with everything loaded, or on one for fresh imports.

    ``each`` is for one test that fails on the base, ``end`` (of ``clock``) for everything.
    """

    def __init__(
        self,
        *,
        root: Path,
        server: ForkServerClient,
        new_fresh_server: Callable[[], ForkServerClient],
        base: Baseline,
        findings: Findings,
        end: float,
    ) -> None:
        self.root = root
        self.server = server
        self.base = base
        self.findings = findings
        self.end = end
        ended = [run.seconds for run in base.failing if not base.is_hung(run.id)] or [0.1]
        slowest = max((run.seconds for run in base.runs.values() if not base.is_hung(run.id)), default=0.0)
        self.each = max(min(LEAST_EACH + slowest, MOST_EACH), 6 * max(ended) + 0.3)
        self.order = {name: number for number, name in enumerate(base.where)}
        self._new_fresh_server = new_fresh_server
        self._fresh_server: ForkServerClient | None = None
        self._steady: dict[tuple[str, ...], list[str]] = {}

    def start_fresh_server(self) -> ForkServerClient:
        """The server for fresh imports, started when it is first needed."""
        if self._fresh_server is None:
            self._fresh_server = self._new_fresh_server()
        return self._fresh_server

    def close(self) -> None:
        """End the server for fresh imports, if there is one."""
        if self._fresh_server is not None:
            self._fresh_server.close()
            self._fresh_server = None

    def patch(self, parts: Sequence[Candidate]) -> list[dict[str, object]] | None:
        """What to swap into living code for these parts; None when only a fresh import can show them."""
        made: list[dict[str, object]] = []
        for path in {part.path for part in parts}:
            edits = tuple(edit for part in parts if part.path == path for edit in part.edits)
            patch = make_patches(self.findings.sources[path], edits, str(self.root), values=True)
            if patch is None:
                return None
            made += patch
        return made

    def choose_covering(self, parts: Iterable[Candidate]) -> list[str]:
        """Quick passing tests that enter the changed files, and that pass together without a change."""
        paths = tuple(sorted({each.path for each in parts}))
        if paths not in self._steady:
            names = dict.fromkeys(name for path in paths for name in self.findings.covering.get(path, ()))
            chosen: list[str] = []
            spent = 0.0
            for name in sorted(names, key=lambda each: self.base.runs[each].seconds):
                spent += self.base.runs[name].seconds
                if spent > COVERING_SECONDS:
                    break
                chosen.append(name)
            chosen.sort(key=lambda name: self.order.get(name, 0))
            run_report = (
                self.server.run(chosen, each=10.0, total=2 * COVERING_SECONDS, quick=True)
                if chosen
                else RunReport()
            )
            self._steady[paths] = [run.id for run in run_report.runs.values() if run.outcome == "passed"]
        return self._steady[paths]

    def texts(self, parts: Iterable[Candidate]) -> dict[str, str] | None:
        """The changed files' whole texts, None when two changes touch the same characters."""
        edits: dict[str, list[TextEdit]] = {}
        for part in parts:
            edits.setdefault(part.path, []).extend(part.edits)
        try:
            return {
                path: apply_edits(self.findings.sources[path].text, group) for path, group in edits.items()
            }
        except ValueError:
            return None

    def run(
        self,
        parts: Sequence[Candidate],
        tests: Sequence[str],
        *,
        fresh: bool,
        quick: bool = False,
        fail_fast: bool = False,
        seed: int = 0,
    ) -> RunReport:
        """Run tests with the parts applied, in living functions or by fresh imports."""
        slowest = max((self.base.runs[name].seconds for name in tests if name in self.base.runs), default=0.1)
        each = max(self.each, 5 * slowest + 0.5) if not quick else self.each
        total = max(1.0, self.end - clock.read_seconds())
        if not tests:
            return RunReport()
        if fresh and tests:
            texts = {f"{self.root}/{path}": text for path, text in (self.texts(parts) or {}).items()}
            return self.start_fresh_server().run(
                tests, each=each + 5.0, total=total, overlay=texts, fail_fast=fail_fast
            )
        made = self.patch(parts)
        if made is None:
            return RunReport(unfit="outside a function")
        return self.server.run(
            tests, each=each, total=total, patch=made, quick=quick, fail_fast=fail_fast, seed=seed
        )
