from lending.fees import average, fee, money, total


def test_grace():
    assert fee(1) == 0
    assert fee(2) == 0


def test_days_after_grace():
    assert fee(3) == 25
    assert fee(6) == 100
    assert fee(3, daily=10) == 10


def test_limit():
    assert fee(400) == 1000


def test_total():
    assert total([100, 50]) == 150
    assert total([100, 55], discount=10) == 139


def test_average():
    assert average([10, 15]) == 12.5
    assert average([]) == 0


def test_money():
    assert money(1234) == "12.34 EUR"
    assert money(-5) == "-0.05 EUR"
