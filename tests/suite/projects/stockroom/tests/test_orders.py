import pytest
from stockroom import Line, Order, Shortage


@pytest.fixture
def order():
    order = Order("Ann")
    order.add("AB-100", 10)
    order.add("WD-100", 2)
    return order


def test_the_same_item_is_one_line(order):
    order.add("AB-100", 5)
    assert order.lines == [Line("AB-100", 15), Line("WD-100", 2)]


def test_orders_share_nothing(order):
    assert Order("Bob").lines == []


def test_goods(order, stock):
    assert order.goods(stock) == 2750
    order.discount = 10
    assert order.goods(stock) == 2475


def test_shipping_is_free_from_fifty_on(order, stock):
    assert order.shipping(stock) == 490
    order.add("WD-100", 1)
    order.add("WD-100", 1)
    order.lines.pop(0)
    assert order.goods(stock) == 5000
    assert order.shipping(stock) == 0
    assert Order("Bob").shipping(stock) == 0


def test_total_and_tax(order, stock):
    assert order.total(stock) == 3240
    assert order.tax(stock) == 517
    assert Order("Bob").tax(stock) == 0


def test_the_way_of_an_order(order, stock):
    order.reserve(stock)
    assert order.state == "reserved"
    assert stock.free("WD-100") == 6
    order.ship(stock)
    assert order.state == "shipped"
    assert stock.count("AB-100") == 90


def test_all_lines_or_none(order, stock):
    order.add("AB-200", 31)
    order.add("WD-100", 10)
    with pytest.raises(Shortage, match="1 of AB-200, 4 of WD-100") as caught:
        order.reserve(stock)
    assert caught.value.missing == {"AB-200": 1, "WD-100": 4}
    assert order.state == "open"
    assert stock.free("AB-100") == 100


def test_all_there_is_can_be_ordered(stock):
    order = Order("Ann")
    order.add("WD-100", 8)
    order.reserve(stock)
    assert stock.free("WD-100") == 0


def test_an_empty_order(stock):
    with pytest.raises(ValueError, match="empty"):
        Order("Ann").reserve(stock)


def test_only_open_orders_change(order, stock):
    order.reserve(stock)
    with pytest.raises(ValueError, match="the order is reserved"):
        order.add("AB-100")
    with pytest.raises(ValueError, match="the order is reserved"):
        order.reserve(stock)


def test_only_reserved_orders_are_shipped(order, stock):
    with pytest.raises(ValueError, match="the order is open"):
        order.ship(stock)


def test_cancelling_gives_back(order, stock):
    order.reserve(stock)
    order.cancel(stock)
    assert order.state == "cancelled"
    assert stock.free("AB-100") == 100


def test_cancelling_an_open_order_gives_nothing_back(order, stock):
    stock.reserve("AB-100", 50)
    order.cancel(stock)
    assert stock.free("AB-100") == 50


def test_what_is_shipped_stays_shipped(order, stock):
    order.reserve(stock)
    order.ship(stock)
    with pytest.raises(ValueError, match="shipped"):
        order.cancel(stock)
    assert order.state == "shipped"


def test_a_line_has_pieces():
    with pytest.raises(ValueError, match="one piece"):
        Line("AB-100", 0)
