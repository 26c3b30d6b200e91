"""The state of the local GitHub: one SQLite file and the bare git repositories beside it.

``State`` is the only owner of the connection. It is used from the event loop's thread alone, each statement
commits by itself (WAL, so a killed process loses nothing that was answered), and several that belong together
stand in ``with state.transaction():`` without an await inside. Rows are plain dicts named as in schema.sql.
"""

from __future__ import annotations

import json
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

# GitHub's ids are large, and differ between kinds of things; so do ours, to catch a mix-up. Those of what is
# written by the million outgrew 32 bits on GitHub (github/rest-api-description#3795), so they do here.
FIRST_IDS = {
    "accounts": 5_000_000,
    "apps": 310_000,
    "installations": 41_000_000,
    "repos": 620_000_000,
    "labels": 5_300_000_000,
    "issues": 3_300_000_000,
    "comments": 3_500_000_000,
    "discussions": 9_000_000,
    "discussion_comments": 15_000_000,
    "reactions": 180_000_000,
    "pulls": 2_900_000_000,
    "reviews": 3_400_000_000,
    "review_threads": 1_000,
    "review_comments": 2_500_000_000,
    "check_suites": 14_000_000_000,
    "check_runs": 15_000_000_000,
    "statuses": 20_000_000_000,
    "rulesets": 900_000,
    "issue_events": 17_000_000_000,
    "queue_entries": 3_000_000,
    "milestones": 14_000_000,
    "releases": 260_000_000,
    "deliveries": 70_000_000_000,
}


def as_row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    """A row as a dict by column name."""
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


class State:
    """The state in ``directory``, which is made when missing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.git_directory = directory / "git"
        self.git_directory.mkdir(parents=True, exist_ok=True)
        self.clock_offset = 0.0
        self._connection = sqlite3.connect(directory / "hub.sqlite3", isolation_level=None)
        self._connection.row_factory = as_row
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "busy_timeout = 5000",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(Path(__file__).with_name("schema.sql").read_text())
        self._start_ids()

    def copy(self) -> State:
        """The state as it is now, in memory: what is written to it is lost."""
        copied = State.__new__(State)
        copied.directory, copied.git_directory = self.directory, self.git_directory
        copied.clock_offset = self.clock_offset
        copied._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        copied._connection.row_factory = as_row
        self._connection.backup(copied._connection)
        weakref.finalize(copied, copied._connection.close)  # a reader may still be at it when it is let go
        return copied

    def _start_ids(self) -> None:
        known = {row["name"] for row in self.all("SELECT name FROM sqlite_sequence")}
        for table, first in FIRST_IDS.items():
            if table not in known:
                self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, first)

    def close(self) -> None:
        """Close the file; the state can be opened again."""
        self._connection.close()

    # statements

    def run(self, sql: str, *values: Any) -> int:
        """Execute a statement and give the id of the row it inserted."""
        cursor = self._connection.execute(sql, values)
        return cursor.lastrowid or 0

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row of a query."""
        return self._connection.execute(sql, values).fetchall()

    def maybe(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, if there is one."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def one(self, sql: str, *values: Any) -> Row:
        """The row that must be there; LookupError otherwise."""
        row = self.maybe(sql, *values)
        if row is None:
            raise LookupError(f"no row for {sql!r} with {values!r}")
        return row

    def count(self, sql: str, *values: Any) -> int:
        """The number in the only column of a query's first row."""
        return int(next(iter(self.one(sql, *values).values())))

    def insert(self, table: str, **columns: Any) -> int:
        """Insert one row and give its id."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        return self.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *columns.values())  # noqa: S608

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        """Change columns of the row with this id."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self.run(f"UPDATE {table} SET {assignments} WHERE id = ?", *columns.values(), row_id)  # noqa: S608

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements inside one: all or nothing. Nests by joining the outer one."""
        if self._connection.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    # time and settings

    def time(self) -> float:
        """Seconds since the epoch by this GitHub's clock, which tests may move."""
        return time.time() + self.clock_offset

    def now(self) -> str:
        """The time as GitHub writes it."""
        return stamp(self.time())

    def setting(self, name: str) -> Any:
        """A stored setting, or None."""
        row = self.maybe("SELECT value FROM settings WHERE name = ?", name)
        return None if row is None else json.loads(row["value"])

    def set_setting(self, name: str, value: Any) -> None:
        """Store a setting (any JSON value)."""
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))

    # the look-ups that everybody needs

    def account(self, account_id: int) -> Row:
        """An account by id."""
        return self.one("SELECT * FROM accounts WHERE id = ?", account_id)

    def account_by_login(self, login: str) -> Row | None:
        """An account by login, whatever the letters' case."""
        return self.maybe("SELECT * FROM accounts WHERE login = ?", login)

    def require_account(self, login: str) -> Row:
        """An account that must be there, by login; LookupError otherwise."""
        return self.one("SELECT * FROM accounts WHERE login = ?", login)

    def app(self, app_id: int) -> Row:
        """A GitHub App by id."""
        return self.one("SELECT * FROM apps WHERE id = ?", app_id)

    def repo(self, repo_id: int) -> Row:
        """A repository by id; the row also has ``owner`` (a login)."""
        return self.one(
            "SELECT repos.*, accounts.login AS owner FROM repos JOIN accounts ON accounts.id = repos.owner_id"
            " WHERE repos.id = ?",
            repo_id,
        )

    def repo_by_name(self, owner: str, name: str) -> Row | None:
        """A repository by its full name; the row also has ``owner`` (a login)."""
        return self.maybe(
            "SELECT repos.*, accounts.login AS owner FROM repos JOIN accounts ON accounts.id = repos.owner_id"
            " WHERE accounts.login = ? AND repos.name = ?",
            owner, name,
        )  # fmt: skip

    def repo_by_old_name(self, owner: str, name: str) -> Row | None:
        """A repository by a full name that it had before."""
        moved = self.maybe(
            "SELECT repo_id FROM old_names JOIN accounts ON accounts.id = old_names.owner_id"
            " WHERE login = ? AND old_names.name = ?",
            owner, name,
        )  # fmt: skip
        return None if moved is None else self.repo(moved["repo_id"])

    def issue(self, repo_id: int, number: int) -> Row | None:
        """An issue or pull request by number."""
        return self.maybe("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo_id, number)

    def pull(self, repo_id: int, number: int) -> Row | None:
        """A pull request's own columns by number (title, body and state are in its issue row)."""
        return self.maybe("SELECT * FROM pulls WHERE repo_id = ? AND number = ?", repo_id, number)

    def pull_of(self, issue: Row) -> Row:
        """The pull request's own columns to the row of an issue that is one."""
        return self.one("SELECT * FROM pulls WHERE issue_id = ?", issue["id"])

    def comments(self, issue_id: int) -> list[Row]:
        """The comments of an issue or pull request's conversation, oldest first."""
        return self.all("SELECT * FROM comments WHERE issue_id = ? ORDER BY id", issue_id)

    def labels_of(self, issue_id: int) -> list[Row]:
        """The labels on an issue or pull request."""
        return self.all(
            "SELECT labels.* FROM labels JOIN issue_labels ON label_id = labels.id"
            " WHERE issue_id = ? ORDER BY labels.id",
            issue_id,
        )

    def reviews(self, pull_id: int) -> list[Row]:
        """The reviews of a pull request, oldest first (pending ones too)."""
        return self.all("SELECT * FROM reviews WHERE pull_id = ? ORDER BY id", pull_id)

    def review_comments(self, pull_id: int) -> list[Row]:
        """The inline comments of a pull request, oldest first."""
        return self.all("SELECT * FROM review_comments WHERE pull_id = ? ORDER BY id", pull_id)

    def reactions(self, subject: str, subject_id: int) -> list[Row]:
        """The reactions on an ``issue``, ``comment`` or ``review_comment``."""
        return self.all(
            "SELECT * FROM reactions WHERE subject = ? AND subject_id = ? ORDER BY id", subject, subject_id
        )

    def check_runs(self, repo_id: int, sha: str) -> list[Row]:
        """The check runs of a commit, newest first."""
        return self.all(
            "SELECT * FROM check_runs WHERE repo_id = ? AND head_sha = ? ORDER BY id DESC", repo_id, sha
        )

    def git_path(self, repo_id: int) -> Path:
        """Where a repository's bare git directory lies."""
        return self.git_directory / f"{repo_id}.git"


def stamp(seconds: float) -> str:
    """A time as GitHub writes it: UTC, whole seconds, Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
