"""All processes on one machine: local GitHub, web, worker and dashboard, on an embedded PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo.free_port import find_free_port
from bot.errors import HobError

START_SECONDS = 60.0
STOP_SECONDS = 10.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PROVIDER = re.compile(r"(?!HOB_)\w+_(?:API_KEY|BASE_URL|ENDPOINT|API_VERSION)|(?:AWS|AZURE|GOOGLE)_\w+")


@dataclass(kw_only=True)
class LocalProcesses:
    """Starts the processes as a person would, through the command line, and ends exactly those."""

    home: Path
    model: str
    hub: dict[str, Any] = field(default_factory=dict)
    web_url: str = ""
    dashboard_url: str = ""
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Bring everything up side by side. Raises HobError with the last lines of what did not come up."""
        web_port, dashboard_port = find_free_port(), find_free_port()
        self.web_url = f"http://127.0.0.1:{web_port}"
        self.dashboard_url = f"http://127.0.0.1:{dashboard_port}"
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        common = {"HOB_HOME": str(self.home), "HOB_DASHBOARD_PORT": str(dashboard_port)}
        self._spawn("hub", {}, "--data", str(self.home / "hub"), "--webhook", f"{self.web_url}/webhook")
        self._spawn("dashboard", common)  # meanwhile: it sets PostgreSQL up
        self.hub = self._first_line("hub")
        self._spawn("worker", common | self._worker_environment())
        self._spawn("web", common | {"PORT": str(web_port), "HOB_WEBHOOK_SECRET": self.hub["webhook_secret"]})
        self._wait_for("web", lambda: _is_up(f"{self.web_url}/readyz"))
        self._wait_for("dashboard", lambda: _is_up(f"{self.dashboard_url}/healthz"))
        self._wait_for("worker", lambda: b"worker.started" in self._log("worker").read_bytes())

    def _worker_environment(self) -> dict[str, str]:
        return {
            "HOB_GITHUB_URL": self.hub["api_url"],
            "HOB_APP_ID": str(self.hub["app_id"]),
            "HOB_PRIVATE_KEY_FILE": self.hub["private_key_file"],
            "HOB_BASE_URL": self.dashboard_url,
            "HOB_MODEL": self.model,
            **self._provider_environment(),
            "HOB_WRITE_SECONDS": "0",
            "HOB_CREATE_LABEL": "true",
            "HOB_PROGRESS_SECONDS": "0.5",
        }

    def _provider_environment(self) -> dict[str, str]:
        """What a model's provider reads from the environment: keys and addresses; nothing for ``offline``."""
        if self.model == "offline":
            return {}
        return {name: value for name, value in os.environ.items() if _PROVIDER.fullmatch(name)}

    def check(self) -> None:
        """Raises HobError when a process has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise HobError(f"{name} ended with code {process.returncode}:\n{self._tail(name)}")

    def stop(self) -> None:
        """End what was started, in reverse order; kill what does not end in time, or at Ctrl-C."""
        processes = [self._running[name] for name in reversed(self._running)]
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
                process.kill()
                process.wait()
                if isinstance(reason, KeyboardInterrupt):
                    deadline = 0.0
        for process in processes:
            _kill_group(process.pid)
            if process.stdout:
                process.stdout.close()
        self._running.clear()
        self._stop_database(deadline)

    def _stop_database(self, deadline: float) -> None:
        """End the PostgreSQL that killed processes leave behind; one that ends normally stops it."""
        record = self.home / "postgres" / "postmaster.pid"
        try:
            pid = int(record.read_text().splitlines()[0])
            os.kill(
                pid, signal.SIGINT
            )  # a fast shutdown: https://www.postgresql.org/docs/18/server-shutdown.html
        except (OSError, ValueError, IndexError):
            return
        while record.exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _spawn(self, name: str, environment: dict[str, str], *arguments: str) -> None:
        keep = {
            key: os.environ[key]
            for key in ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
            if key in os.environ
        }
        with self._log(name).open("ab") as log, hold_signals():
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "bot", name, *arguments],
                env=keep | {"PYTHONUNBUFFERED": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name == "hub" else log,
                stderr=log,
                start_new_session=True,
            )

    def _first_line(self, name: str) -> dict[str, Any]:
        stdout = self._running[name].stdout
        line = stdout.readline() if stdout else b""
        if not line:
            raise HobError(f"{name} did not start:\n{self._tail(name)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            if ready():
                return
            time.sleep(0.05)
        raise HobError(f"{name} was not ready within {START_SECONDS:.0f} s:\n{self._tail(name)}")

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _tail(self, name: str) -> str:
        return self._log(name).read_text("utf-8", "replace")[-2000:]


@contextmanager
def hold_signals() -> Iterator[None]:
    """Let a signal that ends this process come after the block: a child that is being started there would
    be known to nobody, and live on. Only the main thread gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    known = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)
        for late in came[:1]:
            signal.raise_signal(late)


def _kill_group(leader: int) -> None:
    """Kill what an ended process left in its group, such as an initdb that would go on writing; wait until
    it is gone, a second at most.
    """
    until = time.monotonic() + 1.0
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < until:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(0.01)


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except (urllib.error.URLError, OSError):
        return False
