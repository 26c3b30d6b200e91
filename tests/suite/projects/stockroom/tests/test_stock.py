import pytest
from stockroom import Item, Stock


def test_counts(stock):
    assert stock.count("ab 100") == 100
    assert len(stock) == 3
    assert [item.name for item in stock] == ["Bolt", "Nut", "Board"]


def test_unknown_items(stock):
    with pytest.raises(KeyError, match="ZZ-999"):
        stock.count("zz 999")


def test_new_data_for_a_known_item(stock):
    stock.add_item(Item("AB-100", "Hex bolt", 30))
    assert stock.item("AB-100").name == "Hex bolt"
    assert stock.count("AB-100") == 100


def test_taking(stock):
    stock.take("WD-100", 8)
    assert stock.count("WD-100") == 0
    with pytest.raises(ValueError, match="only 0 of WD-100 are free"):
        stock.take("WD-100", 1)


def test_what_is_promised_is_not_free(stock):
    stock.reserve("WD-100", 5)
    assert stock.count("WD-100") == 8
    assert stock.free("WD-100") == 3
    with pytest.raises(ValueError, match="only 3"):
        stock.take("WD-100", 4)
    with pytest.raises(ValueError, match="only 3"):
        stock.reserve("WD-100", 4)


def test_releasing(stock):
    stock.reserve("WD-100", 5)
    stock.release("WD-100", 3)
    assert stock.free("WD-100") == 6
    stock.release("WD-100", 99)
    assert stock.free("WD-100") == 8


def test_shipping(stock):
    stock.reserve("WD-100", 5)
    stock.ship("WD-100", 2)
    assert stock.count("WD-100") == 6
    assert stock.free("WD-100") == 3
    with pytest.raises(ValueError, match="only 3 of WD-100 are reserved"):
        stock.ship("WD-100", 4)


@pytest.mark.parametrize("pieces", [0, -3])
@pytest.mark.parametrize("verb", ["receive", "take", "reserve", "release", "ship"])
def test_one_piece_at_least(stock, verb, pieces):
    with pytest.raises(ValueError, match="one piece"):
        getattr(stock, verb)("AB-100", pieces)


def test_value(stock):
    assert stock.value() == 100 * 25 + 30 * 10 + 8 * 1250


def test_what_to_order(stock):
    assert [item.name for item in stock.to_order()] == ["Nut"]
    stock.reserve("AB-100", 100)
    assert [item.name for item in stock.to_order()] == ["Bolt", "Nut"]
    stock.take("WD-100", 6)
    assert "Board" not in [item.name for item in stock.to_order()]


def test_moved(stock):
    stock.take("WD-100", 2)
    stock.receive("AB-200", 5)
    stock.reserve("WD-100", 1)
    stock.ship("WD-100", 1)
    assert stock.moved("out") == {"WD-100": 3}
    assert stock.moved("in") == {"AB-100": 100, "AB-200": 35, "WD-100": 8}


def test_two_stocks_share_nothing(stock):
    other = Stock([stock.item("AB-100")])
    other.receive("AB-100", 1)
    assert stock.count("AB-100") == 100
    assert len(other.log) == 1
