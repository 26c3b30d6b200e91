import pytest
from stockroom import Item, Stock


@pytest.fixture
def stock():
    stock = Stock(
        [
            Item("AB-100", "Bolt", 25, reorder=50, group="metal"),
            Item("AB-200", "Nut", 10, reorder=50, group="metal"),
            Item("WD-100", "Board", 1250, reorder=2, group="wood"),
        ]
    )
    stock.receive("AB-100", 100)
    stock.receive("AB-200", 30)
    stock.receive("WD-100", 8)
    return stock
