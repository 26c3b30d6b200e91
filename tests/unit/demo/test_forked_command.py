"""Commands in forked processes: they are as if started alone, and end as Popen's do."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.demo.forked_command import ForkedCommand
from bot.demo.free_port import find_free_port

KEPT = {"PATH": os.environ["PATH"]}
SECRET = secrets.token_hex(32)


@contextmanager
def forked(command: str, environment: dict[str, str], log: Path) -> Iterator[ForkedCommand]:
    started = ForkedCommand(command, environment, log)
    try:
        yield started
    finally:
        started.kill()
        started.wait(30)


def test_a_command_that_cannot_run_says_so_in_its_log(tmp_path: Path) -> None:
    with forked("nonsense", KEPT, tmp_path / "log") as command:
        assert command.wait(60) == 2
        assert command.poll() == command.returncode == 2
    assert "No such command 'nonsense'" in (tmp_path / "log").read_text()


def test_it_has_no_environment_but_the_one_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_WEBHOOK_SECRET", SECRET)
    with forked("web", KEPT | {"HOB_HOME": str(tmp_path)}, tmp_path / "log") as command:
        assert command.wait(60) == 2
    assert "HOB_WEBHOOK_SECRET" in (tmp_path / "log").read_text()


def test_a_signal_ends_it_and_waiting_has_an_end(tmp_path: Path) -> None:
    away = {"HOB_WEBHOOK_SECRET": SECRET, "PORT": str(find_free_port())}
    away |= {"HOB_HOME": str(tmp_path), "HOB_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    with forked("web", KEPT | away, tmp_path / "log") as command:
        with pytest.raises(subprocess.TimeoutExpired):
            command.wait(0.1)
        assert command.poll() is None
        while not (tmp_path / "log").exists():  # it opens that once it leads its session
            time.sleep(0.01)
        assert os.getsid(command.pid) == command.pid
        command.send_signal(signal.SIGKILL)
        assert command.wait(30) == -signal.SIGKILL
        command.send_signal(signal.SIGTERM)  # it is gone: nothing happens
