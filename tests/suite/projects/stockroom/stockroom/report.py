"""Tables for people."""

from itertools import groupby


def money(amount):
    """1234567 cents are ``12,345.67``."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02}"


def table(rows, head):
    """Columns as wide as their widest cell; numbers stand on the right."""
    cells = [head, *[[_cell(value) for value in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    right = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(head))]
    lines = []
    for row in cells:
        line = "  ".join(
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        )
        lines.append(line.rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _cell(value):
    return "" if value is None else str(value)


def by_group(stock):
    """[(group, items, pieces, value in cents)], groups in alphabetical order."""
    rows = []
    items = sorted(stock, key=lambda item: item.group)
    for group, members in groupby(items, key=lambda item: item.group):
        members = list(members)
        pieces = sum(stock.count(item.sku) for item in members)
        value = sum(item.price * stock.count(item.sku) for item in members)
        rows.append((group, len(members), pieces, value))
    return rows


def overview(stock):
    """Every item with its count, and a mark for what has to be ordered."""
    low = {item.sku for item in stock.to_order()}
    rows = [(item.sku, item.name, stock.count(item.sku), "!" if item.sku in low else None) for item in stock]
    return table(rows, ["sku", "name", "count", ""])
