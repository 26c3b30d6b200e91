import pytest
from stockroom import Item, normal_sku


@pytest.mark.parametrize("text", ["ab 123 x", "AB_123_X", " ab-123-x ", "Ab - 123 -X"])
def test_one_way_to_write_it(text):
    assert normal_sku(text) == "AB-123-X"


@pytest.mark.parametrize("text", ["", "A-123", "AB-12", "AB-123-WXYZ", "AB123", "AB-123-"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="not a stock number"):
        normal_sku(text)


def test_items_have_normal_numbers():
    assert Item("ab 100", "Bolt", 5).sku == "AB-100"


def test_no_negative_prices():
    with pytest.raises(ValueError, match="AB-100: the price"):
        Item("AB-100", "Bolt", -1)
    assert Item("AB-100", "Gift", 0).price == 0


def test_discounts():
    bolt = Item("AB-100", "Bolt", 999)
    assert bolt.discounted(10).price == 899
    assert bolt.discounted(100).price == 0
    assert bolt.price == 999
    with pytest.raises(ValueError, match="no percentage"):
        bolt.discounted(101)
