"""Tests that are killed, as Ctrl-C does with those of pytest-xdist, leave no server and no folder behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

_TESTS = """
import time
from bot.tasks.database.embedded import open_embedded_database
from tests.support.state_folder import make_state_folder

with make_state_folder() as folder, open_embedded_database(folder):
    print(folder, flush=True)
    time.sleep(60)
"""


def test_what_they_started_ends_and_what_they_made_is_removed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TESTS], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as tests:
        assert tests.stdout is not None
        folder = Path(tests.stdout.readline().strip())
        server = int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])
        watched = os.pidfd_open(server)
        os.killpg(tests.pid, signal.SIGKILL)
        assert not tests.stdout.read()  # ends with the last process that has it: the one that cleans up
    try:
        ended, _, _ = select.select([watched], [], [], 0)
        assert ended, "the server still runs"
        assert not folder.exists()
    finally:
        os.close(watched)
