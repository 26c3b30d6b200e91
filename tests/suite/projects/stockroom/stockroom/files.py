"""Items and counts from and to CSV."""

import csv
import io

from stockroom.item import Item
from stockroom.stock import Stock

FIELDS = ("sku", "name", "price", "reorder", "group", "count")


class BadFile(ValueError):
    """The message names the line."""


def cents(text):
    """``12.5``, ``12,50`` and ``12`` as cents. Raises ValueError."""
    whole, _, part = text.strip().replace(",", ".").partition(".")
    if not whole.isdigit() or len(part) > 2 or (part and not part.isdigit()):
        raise ValueError(f"not a price: {text!r}")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def read(text):
    """A stock from CSV with a head line; empty fields have defaults. Raises BadFile."""
    reader = csv.DictReader(io.StringIO(text))
    lacking = {"sku", "name", "price"} - set(reader.fieldnames or ())
    if lacking:
        raise BadFile(f"line 1: no column {', '.join(sorted(lacking))}")
    stock = Stock()
    seen = set()
    for row in reader:
        try:
            item = Item(
                row["sku"],
                row["name"].strip(),
                cents(row["price"]),
                int(row.get("reorder") or 0),
                (row.get("group") or "other").strip().lower(),
            )
            count = int(row.get("count") or 0)
        except ValueError as error:
            raise BadFile(f"line {reader.line_num}: {error}") from None
        if item.sku in seen:
            raise BadFile(f"line {reader.line_num}: {item.sku} stands there twice")
        seen.add(item.sku)
        stock.add_item(item)
        if count:
            stock.receive(item.sku, count)
    return stock


def write(stock):
    """The CSV that ``read`` takes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for item in stock:
        price = f"{item.price // 100}.{item.price % 100:02}"
        writer.writerow([item.sku, item.name, price, item.reorder, item.group, stock.count(item.sku)])
    return out.getvalue()
