import pytest
from lending.books import Book
from lending.desk import Desk, NotAvailable


@pytest.fixture
def desk():
    books = [Book("Ubik", "Dick"), Book("Emma", "Austen", 2), Book("Nana", "Zola"), Book("Dune", "Herbert")]
    return Desk(books)


def test_lend_and_give_back(desk):
    assert desk.lend("ann", "Ubik", day=1) == 15
    assert desk.stock["Ubik"] == 0
    assert desk.give_back("ann", "Ubik", day=10) is None
    assert desk.stock["Ubik"] == 1
    assert desk.debts == {}


def test_no_copy_left(desk):
    desk.lend("ann", "Ubik", day=1)
    with pytest.raises(NotAvailable):
        desk.lend("bob", "Ubik", day=1)


def test_unknown_title(desk):
    with pytest.raises(KeyError):
        desk.lend("ann", "Moby Dick", day=1)


def test_not_too_many(desk):
    for title in ("Ubik", "Emma", "Nana"):
        desk.lend("ann", title, day=1)
    with pytest.raises(ValueError, match="too many"):
        desk.lend("ann", "Dune", day=1)


def test_late_books_cost(desk):
    desk.lend("ann", "Ubik", day=1)
    desk.give_back("ann", "Ubik", day=20)
    assert desk.debts == {"ann": 75}
    desk.lend("ann", "Emma", day=20)
    desk.give_back("ann", "Emma", day=37)
    assert desk.debts == {"ann": 100}


def test_queue(desk):
    desk.lend("ann", "Ubik", day=1)
    assert desk.wait("bob", "Ubik") == 1
    assert desk.wait("cid", "Ubik") == 2
    assert desk.wait("bob", "Ubik") == 1
    assert desk.give_back("ann", "Ubik", day=2) == "bob"


def test_overdue(desk):
    desk.lend("ann", "Ubik", day=1, days=5)
    desk.lend("bob", "Emma", day=1, days=3)
    desk.lend("bob", "Nana", day=1, days=9)
    assert desk.overdue(day=6) == [("bob", "Emma")]
    assert desk.overdue(day=8) == [("bob", "Emma"), ("ann", "Ubik")]


def test_paying(desk):
    desk.debts["ann"] = 100
    assert desk.pay("ann", 40) == 0
    assert desk.debts == {"ann": 60}
    assert desk.pay("ann", 70) == 10
    assert desk.debts == {}


def test_history_is_a_copy(desk):
    desk.lend("ann", "Ubik", day=1)
    desk.history().clear()
    assert desk.history() == [("lend", "ann", "Ubik")]
