"""A whole pytest session in a child, with the candidate's text in front of the import system."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from . import code_swap
from .channel import Channel
from .recorder import Recorder, make_outcome


class FreshSession(Recorder):
    """Runs one whole pytest session in a child."""

    def __init__(self, root: str, channel: Channel, ask: dict[str, Any]) -> None:
        super().__init__(root)
        self.channel = channel
        self.fail_fast = bool(ask.get("fail_fast"))
        self.loaded: set[str] = set()
        self.failed: list[str] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Tell each test's outcome as it ends."""
        self.reset()
        began = time.perf_counter()
        yield
        self.channel.send(**make_outcome(item.nodeid, self, time.perf_counter() - began, None))
        if self.outcome == "failed":
            self.failed.append(item.nodeid)
            if self.fail_fast:
                os._exit(0)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """A module that cannot be imported is a failed test named like the module."""
        for each in self.errors:
            failure = {key: value for key, value in each.items() if key != "id"}
            self.channel.send(event="outcome", id=each["id"], outcome="failed", seconds=0.0, failure=failure)
        bad = {each["id"] for each in self.errors}
        self.loaded = {item.nodeid.split("::")[0] for item in session.items} - bad

    def pytest_sessionfinish(self) -> None:
        """A module passes when it loads and all its tests pass."""
        for name in self.loaded - {each.split("::")[0] for each in self.failed}:
            self.channel.send(event="outcome", id=name, outcome="passed", seconds=0.0)


def run_fresh_session(root: str, arguments: list[str], channel: Channel, ask: dict[str, Any]) -> None:
    """In the child: the candidate's text first, then a pytest session over the tests asked for."""
    code_swap.overlay_sources(ask.get("overlay") or {})
    pytest.main([*arguments, *ask["tests"]], plugins=[FreshSession(root, channel, ask)])
