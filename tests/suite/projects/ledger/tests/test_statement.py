from datetime import date

from ledger import Account, Money
from ledger.account import Entry
from ledger.statement import WIDTH, largest, lines, statement


def account():
    account = Account("cash", limit=Money(100000))
    for day, cents, text in [
        (1, 5000, "opening"),
        (2, -1250, "paper"),
        (3, -50, "stamps"),
        (4, 1250, "a refund for paper that was too thin by far"),
    ]:
        account.post(Entry(date(2024, 5, day), Money(cents), text))
    return account


def test_both_ends_are_included():
    shown = lines(account(), date(2024, 5, 2), date(2024, 5, 3))
    assert [line.split()[0] for line in shown] == ["2024-05-02", "2024-05-03"]


def test_the_running_balance_counts_what_came_before():
    (shown,) = lines(account(), date(2024, 5, 3), date(2024, 5, 3))
    assert shown.endswith("37.00 EUR")


def test_lines_are_of_one_width():
    shown = lines(account(), date(2024, 5, 1), date(2024, 5, 4))
    assert {len(line) for line in shown} == {WIDTH}
    assert "…" in shown[-1]


def test_statement():
    text = statement(account(), date(2024, 5, 1), date(2024, 5, 2))
    assert text.splitlines()[0] == "cash (asset)"
    assert text.splitlines()[-1] == "balance 37.50 EUR"


def test_nothing_to_show():
    text = statement(account(), date(2023, 1, 1), date(2023, 1, 2))
    assert "(no entries)" in text
    assert text.endswith("balance 0.00 EUR")


def test_the_largest_first():
    assert [entry.text.split()[0] for entry in largest(account(), 2)] == ["opening", "paper"]
    assert len(largest(account())) == 3
