"""Shared fixtures: a real PostgreSQL, and a fresh migrated database for each test.

``postgres`` starts one server per test process (so also one per xdist worker) in a temporary directory and
migrates a template database in it once. ``database`` clones the template, which takes some 20 ms.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.serve.process import wait_for_children_by_pidfd
from bot.tasks.database.connection import Database, connect
from bot.tasks.database.embedded import open_embedded_database
from bot.tasks.database.schema import migrate
from bot.tasks.store import Store
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain, build_toolchain
from tests.support.model_servers import SERVERS, Server, environment, serving
from tests.support.sandbox import lend_toolchain
from tests.support.state_folder import make_state_folder

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep ``tmp_path`` in memory too: git waits for the disk at each object that it stores.

    And wait for child processes as Hob's own processes do, from the start: not in the midst of a test. A
    pytest that a test starts has none of our plugins, as in the sandbox: to load them takes twice as long as
    all the rest.
    """
    wait_for_children_by_pidfd()
    if not config.getoption(
        "numprocesses", None
    ):  # else it only starts those that play the tests, with plugins
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if memory := _memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the longest deadlines come first: at the end no process is left alone with one of them."""
    deadlines: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        deadlines[item.path] = max(deadlines.get(item.path, 0), marker.args[0] if marker else 0)
    items.sort(key=lambda item: -deadlines[item.path])


def pytest_collection_finish() -> None:
    """Leave modules and tests, which live until the end, to no round of the garbage collector any more.

    A whole round over them takes a third of a second, and a story that makes many objects causes several.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def at_database(url: str, name: str) -> str:
    """The same server's URL for another of its databases."""
    start, _, query = url.partition("?")
    return f"{start.rsplit('/', 1)[0]}/{name}?{query}"


@pytest.fixture
def home(tooling: Toolchain) -> Iterator[Path]:
    """A state directory with nothing but the toolchain, that the account of an embedded server can reach.

    Not below ``tmp_path``: every other pytest that starts as the same user closes the parent of that again.
    """
    with make_state_folder(_memory()) as folder:
        lend_toolchain(tooling, folder)
        yield folder


@pytest.fixture(params=sorted(SERVERS))
async def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """Each provider in turn."""
    async with serving(request.param) as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server that has the migrated database ``template`` (never connect to that one)."""
    with (
        make_state_folder(_memory()) as folder,
        open_embedded_database(folder) as url,
    ):
        with psycopg.connect(url, autocommit=True) as admin:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                admin.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE DATABASE template")
        asyncio.run(_migrate(at_database(url, "template")))
        yield url


def _memory() -> str | None:
    """A file system in memory with room for a server, if there is one."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2_000_000_000 else None


async def _migrate(url: str) -> None:
    database = connect(url)
    await migrate(database)
    await database.engine.dispose()


@pytest.fixture(scope="session")
def tooling(tmp_path_factory: pytest.TempPathFactory) -> Toolchain:
    """The interpreter and programs inside a sandbox, built once for all test processes."""
    top = tmp_path_factory.getbasetemp()
    return build_toolchain((top.parent if "PYTEST_XDIST_WORKER" in os.environ else top) / "toolchain")


@pytest.fixture(scope="session")
def workshop(tooling: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop in which nothing is checked out, for the pipeline as far as it needs no repository."""
    folder = tmp_path_factory.mktemp("workshop")
    lend_toolchain(tooling, folder)
    return Workshop(folder)


@pytest.fixture(scope="session")
def administrator(postgres: str) -> Iterator[psycopg.Connection]:
    """A connection to the server's own database, which makes and drops those of the tests."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def database(postgres: str, administrator: psycopg.Connection) -> AsyncIterator[Database]:
    """A database of the test's own, migrated and empty; dropped afterwards."""
    name = f"t{next(_numbers)}"
    administrator.execute(f"CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy".encode())
    database = connect(at_database(postgres, name))
    yield database
    await wait_until_returned(database)
    await database.engine.dispose()
    administrator.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def wait_until_returned(database: Database) -> None:
    """Wait for connections that what was cancelled is about to give back: SQLAlchemy does so in a task."""
    pool, until = database.engine.pool, time.monotonic() + 5.0
    assert isinstance(pool, AsyncAdaptedQueuePool)
    while pool.checkedout() and time.monotonic() < until:  # noqa: ASYNC110  the pool tells nobody
        await asyncio.sleep(0.01)


@pytest.fixture
def store(database: Database) -> Store:
    """The store over ``database``."""
    return Store(database.engine)
