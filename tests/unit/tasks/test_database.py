"""Opening a database: the embedded server's life, and what wrong settings are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from bot.tasks.database.connection import Database, DatabaseTrouble, connect, open_database, sqlalchemy_url
from bot.tasks.database.embedded import find_programs, open_embedded_database, revive_embedded_database
from bot.tasks.database.transactions import retry_while_away
from tests.conftest import at_database

HOLD = """
import sys
from pathlib import Path
from bot.tasks.database.embedded import open_embedded_database
with open_embedded_database(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def alive(url: str) -> bool:
    """Whether a server answers."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_last_to_leave_stops_the_server_whoever_was_killed(home: Path) -> None:
    home = home / ("deep" * 25)  # a path too long for a socket, too
    with open_embedded_database(home) as url:
        other = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdin and other.stdout
        assert other.stdout.readline().strip() == url
        assert (home / "postgres" / "pg_hba.conf").read_text() == "local all all peer map=hob\n"
    assert alive(url)
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    assert alive(url)
    with open_embedded_database(home) as again:
        assert again == url
    assert not alive(url)
    assert home.stat().st_mode & 0o066 == 0


async def test_open_database_without_a_url(home: Path) -> None:
    async with open_database(home / "state") as database:
        assert alive(database.url)
    assert not alive(database.url)


async def test_open_database_with_a_url(postgres: str, tmp_path: Path) -> None:
    async with open_database(tmp_path / "home", postgres.replace("postgresql:", "postgres:")) as database:
        assert database.url.startswith(postgres)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql", "localhost:5432"])
async def test_a_url_of_another_kind_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseTrouble, match="HOB_DATABASE_URL must look like"):
        async with open_database(tmp_path, url):
            pass


async def test_a_database_that_cannot_hold_every_text_is_named(postgres: str, tmp_path: Path) -> None:
    async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin:
        how = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        await admin.execute(f"CREATE DATABASE bytes {how}".encode())
        with pytest.raises(DatabaseTrouble, match="encoding is SQL_ASCII, Hob needs UTF8"):
            async with open_database(tmp_path, at_database(postgres, "bytes")):
                pass
        await admin.execute("DROP DATABASE bytes WITH (FORCE)")


async def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(DatabaseTrouble, match=r"127\.0\.0\.1/hob cannot be reached") as trouble:
        async with open_database(tmp_path, "postgresql://me:sesame@127.0.0.1:1/hob"):
            pass
    assert "sesame" not in str(trouble.value)


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(DatabaseTrouble, match="made by PostgreSQL 15"), open_embedded_database(tmp_path):
        pass


async def test_a_connection_whose_other_side_is_silent_is_given_up_soon(
    postgres: str, tmp_path: Path
) -> None:
    joint = "&" if "?" in postgres else "?"
    async with open_database(tmp_path, f"{postgres}{joint}keepalives_idle=3") as database:
        async with database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = raw.driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            here = driver.info.get_parameters()
        assert here["keepalives_idle"] == "3"  # as the operator says
        assert (here["keepalives_count"], here["tcp_user_timeout"]) == ("3", "25000")
        assert database.url.count("keepalives_idle") == 1


def test_the_url_for_sqlalchemy() -> None:
    assert sqlalchemy_url("postgres://u@h/d?x=1") == "postgresql+psycopg://u@h/d?x=1"


def test_nobody_else_on_the_machine_gets_in(postgres: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    folder = postgres.partition("host=")[2]
    psql = find_programs() / "psql"
    ended = subprocess.run(
        [psql, "-h", folder, "-U", "hob", "postgres"], user="nobody", capture_output=True, text=True, cwd="/"
    )
    assert ended.returncode != 0
    assert "Permission denied" in ended.stderr or "Peer authentication failed" in ended.stderr


async def test_connect_opens_nothing() -> None:
    database = connect("postgresql://nobody@127.0.0.1:1/x")
    await database.engine.dispose()


async def test_s18_a_server_that_dies_is_started_again_by_whoever_uses_it(home: Path) -> None:
    async with open_database(home) as first, open_database(home) as second:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

        async def ask(database: Database) -> int | None:
            async with database.engine.connect() as connection:
                return await connection.scalar(text("SELECT 1"))

        for database in (first, second):
            assert await retry_while_away(lambda database=database: ask(database), seconds=60) == 1
        assert not revive_embedded_database(home, first.url)
