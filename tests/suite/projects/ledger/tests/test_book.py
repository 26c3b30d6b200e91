from datetime import date

import pytest
from ledger import Book, Kind, Money, Overdrawn, UnknownAccount
from ledger.errors import Unbalanced

JAN, FEB = date(2024, 1, 15), date(2024, 2, 3)


@pytest.fixture
def book():
    book = Book()
    book.open("cash", limit=Money(5000))
    book.open("bank")
    book.open("fees", Kind.INCOME)
    book.open("rent", Kind.EXPENSE)
    return book


def test_a_transfer_changes_both(book):
    book.transfer(JAN, "fees", "cash", Money(2500), "Ann pays")
    assert book["cash"].balance == Money(2500)
    assert book["fees"].balance == Money(-2500)


def test_a_name_is_given_once(book):
    with pytest.raises(ValueError, match="taken"):
        book.open("cash")


def test_unknown_accounts_are_named(book):
    with pytest.raises(UnknownAccount, match="no account is called 'shed'"):
        book.transfer(JAN, "cash", "shed", Money(1), "x")
    assert book["cash"].entries == []


@pytest.mark.parametrize("cents", [0, -1])
def test_amounts_are_positive(book, cents):
    with pytest.raises(ValueError, match="positive"):
        book.transfer(JAN, "cash", "bank", Money(cents), "x")


def test_what_does_not_balance_is_refused(book):
    with pytest.raises(Unbalanced, match=r"off by 1\.00 EUR"):
        book.post(JAN, {"cash": Money(300), "fees": Money(-200)}, "x")


def test_all_or_nothing(book):
    with pytest.raises(Overdrawn):
        book.post(JAN, {"rent": Money(9000), "cash": Money(-4000), "bank": Money(-5000)}, "rent")
    assert book["rent"].entries == []
    assert book["cash"].entries == []
    assert book.undo() is None


def test_undo_takes_the_last_one_back(book):
    book.transfer(JAN, "fees", "cash", Money(100), "first")
    book.transfer(JAN, "fees", "cash", Money(200), "second")
    assert book.undo() == "second"
    assert book["cash"].balance == Money(100)
    assert book.undo() == "first"
    assert book.undo() is None


def test_names_by_kind(book):
    assert book.names() == ["bank", "cash", "fees", "rent"]
    assert book.names(Kind.ASSET) == ["bank", "cash"]
    assert "cash" in book
    assert len(book) == 4


def test_totals(book):
    book.transfer(JAN, "fees", "cash", Money(100), "a")
    book.transfer(JAN, "fees", "bank", Money(50), "b")
    assert book.total(Kind.ASSET) == Money(150)
    assert book.total(Kind.INCOME) == Money(-150)


def test_months_in_order(book):
    book.transfer(FEB, "cash", "rent", Money(100), "february")
    book.transfer(JAN, "cash", "rent", Money(70), "january")
    book.transfer(JAN, "cash", "rent", Money(30), "january, late")
    months = book.monthly(Kind.EXPENSE)
    assert list(months) == [(2024, 1), (2024, 2)]
    assert months[2024, 1] == Money(100)


def test_tags_are_kept_in_small_letters(book):
    book.transfer(JAN, "cash", "rent", Money(100), "x", tags=["House"])
    assert book["rent"].entries[0].tags == ("house",)


def test_merging_leaves_both_books_alone(book):
    other = Book()
    other.open("cash", limit=Money(5000))
    other.open("gifts", Kind.INCOME)
    book.transfer(FEB, "fees", "cash", Money(1), "late")
    other.transfer(JAN, "gifts", "cash", Money(2), "early")
    merged = book.merge(other)
    assert merged.names() == ["bank", "cash", "fees", "gifts", "rent"]
    assert [each.text for each in merged["cash"].entries] == ["early", "late"]
    assert [each.text for each in book["cash"].entries] == ["late"]
