"""A pooler before PostgreSQL: PgBouncer itself, in the two modes that people run it in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from bot.demo.free_port import find_free_port
from bot.tasks.database.connection import DatabaseTrouble, open_database
from bot.tasks.database.embedded import ACCOUNT

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=str(Path(sys.executable).parent))

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not here: make pgbouncer")


@contextmanager
def run_pooler(postgres: str, folder: Path, *, mode: str) -> Iterator[str]:
    """PgBouncer before the server at ``postgres``; gives the URL that leads through it."""
    assert PROGRAM is not None
    name, host = urlsplit(postgres).path.lstrip("/"), parse_qs(urlsplit(postgres).query)["host"][0]
    port = find_free_port()
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n{name} = host={host} dbname={name} user=hob\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\nmin_pool_size = 0\ndefault_pool_size = 10\n"
    )
    options = ["-u", ACCOUNT] if os.geteuid() == 0 else []
    with subprocess.Popen(
        [PROGRAM, *options, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stderr is not None
            for line in running.stderr:
                if "process up" in line:
                    break
            else:
                pytest.fail(f"PgBouncer ended with {running.wait()}")
            yield f"postgresql://hob@127.0.0.1:{port}/{name}"
        finally:
            running.kill()


@pytest.fixture
def near(tmp_path: Path) -> Path:
    """A folder that PgBouncer's account reads."""
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    return tmp_path


async def test_a_pool_in_session_mode_serves(postgres: str, near: Path) -> None:
    with run_pooler(postgres, near, mode="session") as url:
        async with open_database(near / "home", url) as database, database.engine.connect() as connection:
            assert await connection.scalar(text("SHOW statement_timeout")) == "30s"


@pytest.mark.parametrize("mode", ["transaction", "statement"])
async def test_a_pool_that_shares_sessions_is_refused(postgres: str, near: Path, mode: str) -> None:
    with run_pooler(postgres, near, mode=mode) as url, pytest.raises(DatabaseTrouble, match="pool_mode ="):
        async with open_database(near / "home", url):
            pass
