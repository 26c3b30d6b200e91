import pytest
from ledger import Money


@pytest.mark.parametrize(
    ("text", "cents"),
    [("1,234.50", 123450), ("-3", -300), ("+0.5", 50), (" 12.07 ", 1207), ("1,000,000", 100000000)],
)
def test_amounts_are_read(text, cents):
    assert Money.parse(text) == Money(cents)


@pytest.mark.parametrize("text", ["", "abc", "1.234", "1,23", "12,3456", "1.", "--1"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(text)


def test_sums_and_differences():
    assert Money(150) + Money(50) == Money(200)
    assert Money(150) - Money(200) == Money(-50)


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="do not mix"):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(ValueError, match="do not mix"):
        Money(1, "EUR") < Money(1, "USD")  # noqa: B015


def test_order():
    assert Money(1) < Money(2)
    assert Money(2) >= Money(2)
    assert max(Money(-5), Money(3)) == Money(3)


@pytest.mark.parametrize(
    ("cents", "text"),
    [(123456, "1,234.56 EUR"), (-5, "-0.05 EUR"), (100, "1.00 EUR"), (-12000, "-120.00 EUR")],
)
def test_as_text(cents, text):
    assert str(Money(cents)) == text


def test_shares_add_up():
    assert [share.cents for share in Money(1000).split(3)] == [334, 333, 333]
    assert [share.cents for share in Money(5).split(5)] == [1] * 5
    assert sum(share.cents for share in Money(1001).split(7)) == 1001


def test_no_shares():
    with pytest.raises(ValueError, match="at least one"):
        Money(10).split(0)


def test_percent_rounds_half_away_from_zero():
    assert Money(1050).percent(5) == Money(53)
    assert Money(-1050).percent(5) == Money(-53)
    assert Money(200).percent(10) == Money(20)


def test_truth():
    assert not Money(0)
    assert Money(-1)
