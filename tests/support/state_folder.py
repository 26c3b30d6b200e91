"""A folder for Hob's state that goes, with whatever runs in it, also when the tests are killed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Without a line on its input the tests were killed: then what names the folder is ended, PostgreSQL at once.
_CLEAN = """
if ! read -r over; then
    for file in $(grep -ls -- "$1" /proc/[0-9]*/cmdline /proc/[0-9]*/environ); do
        process=${file#/proc/}
        process=${process%/*}
        [ "$process" = $$ ] || kill -QUIT "$process" 2> /dev/null
    done
    sleep 1
fi
rm -rf "$1"
"""


@contextmanager
def make_state_folder(within: str | None = None) -> Iterator[Path]:
    """An empty folder below ``within``, by default the system's for temporary files; removed afterwards.

    Ctrl-C ends the processes of pytest-xdist before their fixtures are torn down, and a PostgreSQL is no
    child of whoever started it. So a process of its own waits for the end of this one and removes the folder.
    """
    folder = tempfile.mkdtemp(prefix="hob-test-", dir=within)
    with subprocess.Popen(
        ["sh", "-c", _CLEAN, "sh", folder],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the tests alone
    ) as cleaner:
        yield Path(folder)
        cleaner.communicate(b"over\n")
    assert cleaner.returncode == 0, f"{folder} could not be removed"
