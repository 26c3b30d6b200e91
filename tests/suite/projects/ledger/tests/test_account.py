from datetime import date

import pytest
from ledger import Account, Kind, Money, Overdrawn
from ledger.account import Entry

DAY = date(2024, 3, 1)


def entry(cents, day=DAY, text="x", tags=()):
    return Entry(day, Money(cents), text, tags)


def test_a_balance_is_the_sum():
    account = Account("cash")
    account.post(entry(500))
    account.post(entry(-200))
    assert account.balance == Money(300)


def test_two_accounts_share_nothing():
    one, two = Account("a"), Account("b")
    one.post(entry(500))
    assert two.entries == []


def test_the_limit_can_be_used_up():
    account = Account("cash", limit=Money(100))
    account.post(entry(-100))
    assert account.balance == Money(-100)


def test_the_limit_holds():
    account = Account("cash", limit=Money(100))
    account.post(entry(50))
    with pytest.raises(Overdrawn) as caught:
        account.post(entry(-200))
    assert caught.value.missing == Money(50)
    assert account.balance == Money(50)


def test_income_has_no_limit():
    account = Account("fees", Kind.INCOME)
    account.post(entry(-900))
    assert account.balance == Money(-900)


def test_balance_on_counts_the_day_itself():
    account = Account("cash")
    account.post(entry(100, date(2024, 1, 31)))
    account.post(entry(10, date(2024, 2, 1)))
    assert account.balance_on(date(2024, 1, 31)) == Money(100)
    assert account.balance_on(date(2024, 1, 30)) == Money(0)


def test_a_closed_account_takes_nothing():
    account = Account("cash", closed=True)
    with pytest.raises(ValueError, match="closed"):
        account.post(entry(1))


def test_tags_whatever_the_case():
    account = Account("cash")
    account.post(entry(1, tags=("food",)))
    account.post(entry(2, tags=("rent",)))
    assert [each.amount for each in account.tagged("Food")] == [Money(1)]
