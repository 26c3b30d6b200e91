"""A stock of items and the orders on it."""

from stockroom.item import Item, normal_sku
from stockroom.orders import Line, Order, Shortage
from stockroom.stock import Stock

__all__ = ["Item", "Line", "Order", "Shortage", "Stock", "normal_sku"]
