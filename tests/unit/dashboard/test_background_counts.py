"""Counts beside the pages: what is shown meanwhile, how long it is kept, and what a failure does."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import text

from bot.dashboard import background_counts, create_app
from bot.dashboard.background_counts import BackgroundCounts
from bot.dashboard.server import engine_for
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url


class SlowCount:
    """A count that ends when it is let; it says how often it was begun."""

    def __init__(self) -> None:
        self.let, self.begun = threading.Event(), 0

    def __call__(self) -> int:
        self.begun += 1
        assert self.let.wait(60)
        return self.begun


@pytest.fixture
def app(database: Database) -> Iterator[Flask]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine)
    engine.dispose()


def test_a_page_does_not_wait_for_a_slow_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 0.0)
    counts, slow = BackgroundCounts(), SlowCount()
    assert counts.look(("k",), slow) is None and counts.look(("k",), slow) is None
    slow.let.set()
    assert counts.wait(("k",), slow) in (1, 2)
    assert counts.look(("other",), lambda: 7) is None or counts.wait(("other",), lambda: 7) == 7


def test_what_was_slow_is_kept_and_what_was_quick_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, numbers = BackgroundCounts(), iter(range(99))
    first, second = counts.wait(("k",), lambda: next(numbers)), counts.wait(("k",), lambda: next(numbers))
    assert (first, second) == (0, 1)
    monkeypatch.setattr(background_counts, "KEPT_SECONDS", 3600.0)
    monkeypatch.setattr(background_counts, "KEPT_FACTOR", 1e12)
    assert [counts.wait(("slow",), lambda: next(numbers)) for _ in range(2)] == [2, 2]
    shown = counts.look(("slow",), lambda: next(numbers))
    assert shown is not None and shown.value == 2 and not shown.is_renewed


def test_the_old_count_is_shown_while_a_new_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, slow = BackgroundCounts(), SlowCount()
    assert counts.wait(("k",), lambda: 5) == 5
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 0.0)
    for _ in range(3):
        shown = counts.look(("k",), slow)
        assert shown is not None and (shown.value, shown.is_renewed) == (5, True)
    slow.let.set()
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 60.0)
    shown = counts.look(("k",), slow)
    assert shown is not None and shown.value in (1, 2) and slow.begun <= 2


def test_who_looks_gets_the_trouble_and_the_next_one_a_count() -> None:
    counts = BackgroundCounts()

    def fail() -> int:
        raise ValueError("no database")

    for ask in (counts.look, counts.wait):
        with pytest.raises(ValueError, match="no database"):
            ask(("k",), fail)
    assert counts.wait(("k",), lambda: 1) == 1
    shown = counts.look(("k",), fail)
    assert shown is not None and shown.value == 1, "the old one stays"
    shown = counts.look(("k",), lambda: 2)
    assert shown is not None and shown.value == 2, "until it can be counted again"


def test_a_slow_kind_holds_up_no_other_one() -> None:
    counts, slow = BackgroundCounts(), SlowCount()
    waiting = [threading.Thread(target=counts.wait, args=(("figures", each), slow)) for each in range(5)]
    for each in waiting:
        each.start()
    assert counts.wait(("safety",), lambda: 7) == 7
    slow.let.set()
    for each in waiting:
        each.join(60)
    assert slow.begun == 5, "who waits for a count gets it"


def test_what_nobody_asks_for_any_more_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(background_counts, "FORGOTTEN_SECONDS", -1.0)
    counts, slow = BackgroundCounts(), SlowCount()
    waiting = threading.Thread(target=counts.wait, args=(("figures", "first"), slow))
    waiting.start()
    while not slow.begun:
        waiting.join(0.01)
    left = [counts.look(("figures", each), slow) for each in range(5)]
    slow.let.set()
    waiting.join(60)
    assert counts.wait(("figures", "last"), lambda: 3) == 3
    assert left == [None] * 5 and slow.begun == 1
    assert counts.wait(("figures", 0), lambda: 4) == 4, "it can be asked for anew"


def test_a_list_that_takes_long_to_find_fills_itself(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 0.0)
    let, client = threading.Event(), app.test_client()
    threads = app.extensions["counts"]._find_thread("search")
    held = [threads.submit(let.wait, 60) for _ in range(background_counts.AT_ONCE["search"])]
    page = client.get("/?words=mend&before=7").text
    assert "Being searched for." in page and 'hx-trigger="every 300ms"' in page
    assert 'hx-get="/?before=7&amp;words=mend"' in page
    assert "No tasks yet" in client.get("/").text, "all tasks need no search"
    let.set()
    assert all(each.result(60) for each in held)
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 60.0)
    page = client.get("/?words=mend").text
    assert "No task fits." in page and 'hx-trigger="every 4s"' in page


def test_a_page_that_the_database_finds_too_long_says_so(database: Database) -> None:
    engine = engine_for(sqlalchemy_url(database.url))
    with engine.connect() as connection:
        found = {name: connection.scalar(text(f"SHOW {name}")) for name in ("statement_timeout", "jit")}
    assert found == {"statement_timeout": "2min", "jit": "off"}
    app = create_app(load(), engine)

    def sleep() -> str:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 20"))
            return str(connection.scalar(text("SELECT pg_sleep(60)")))

    app.add_url_rule("/slow", view_func=sleep)
    page = app.test_client().get("/slow")
    assert page.status_code == 503 and "too long to find" in page.text
    engine.dispose()
    broken = engine_for("postgresql+psycopg://nobody@127.0.0.1:1/none")
    page = create_app(load(), broken).test_client().get("/")
    assert page.status_code == 503 and "The database does not answer" in page.text


@pytest.mark.parametrize("path", ["/figures?by=person", "/experiments", "/safety", "/learning", "/forecast"])
def test_a_page_says_that_it_counts_and_fills_itself(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    let = threading.Event()
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 0.0)
    thread = app.extensions["counts"]._find_thread(re.split(r"\W", path)[1])
    held = [thread.submit(let.wait, 60)]
    page = app.test_client().get(path)
    assert page.status_code == 200 and "Being counted." in page.text
    assert f'hx-get="{path}' in page.text and 'hx-trigger="every 1s"' in page.text
    let.set()
    assert all(each.result(60) for each in held)
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 60.0)
    page = app.test_client().get(path)
    assert "Counted 20" in page.text and "Being counted." not in page.text and "hx-trigger" not in page.text
