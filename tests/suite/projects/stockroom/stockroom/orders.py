"""Orders: lines, discounts, and their way through the stock."""

from dataclasses import dataclass, field

TAX = 19  # per cent
FREE_SHIPPING = 5000
SHIPPING = 490


class Shortage(Exception):
    """Not enough for the order; ``missing`` is {stock number: pieces}."""

    def __init__(self, missing):
        super().__init__(", ".join(f"{pieces} of {sku}" for sku, pieces in sorted(missing.items())))
        self.missing = missing


@dataclass(frozen=True)
class Line:
    """So many of one item."""

    sku: str
    pieces: int

    def __post_init__(self):
        if self.pieces < 1:
            raise ValueError("one piece at least")


@dataclass
class Order:
    """``state`` goes from open to reserved to shipped, or to cancelled."""

    customer: str
    lines: list[Line] = field(default_factory=list)
    discount: int = 0
    state: str = "open"

    def add(self, sku, pieces=1):
        """Add pieces; lines of the same item become one. Only open orders change."""
        if self.state != "open":
            raise ValueError(f"the order is {self.state}")
        for at, line in enumerate(self.lines):
            if line.sku == sku:
                self.lines[at] = Line(sku, line.pieces + pieces)
                return
        self.lines.append(Line(sku, pieces))

    def goods(self, stock):
        """The price of all lines after the discount, in cents."""
        full = sum(stock.item(line.sku).price * line.pieces for line in self.lines)
        return full - full * self.discount // 100

    def shipping(self, stock):
        """Nothing for an empty order or from FREE_SHIPPING on."""
        goods = self.goods(stock)
        if not self.lines or goods >= FREE_SHIPPING:
            return 0
        return SHIPPING

    def total(self, stock):
        """Goods and shipping."""
        return self.goods(stock) + self.shipping(stock)

    def tax(self, stock):
        """The tax within the total, rounded half up."""
        total = self.total(stock)
        return (total * TAX * 2 + (100 + TAX)) // ((100 + TAX) * 2)

    def missing(self, stock):
        """{stock number: pieces that are not free}."""
        short = {line.sku: line.pieces - stock.free(line.sku) for line in self.lines}
        return {sku: pieces for sku, pieces in short.items() if pieces > 0}

    def reserve(self, stock):
        """Promise all lines or none. Raises Shortage."""
        if self.state != "open":
            raise ValueError(f"the order is {self.state}")
        if not self.lines:
            raise ValueError("the order is empty")
        missing = self.missing(stock)
        if missing:
            raise Shortage(missing)
        for line in self.lines:
            stock.reserve(line.sku, line.pieces)
        self.state = "reserved"

    def ship(self, stock):
        """Hand out what is promised."""
        if self.state != "reserved":
            raise ValueError(f"the order is {self.state}")
        for line in self.lines:
            stock.ship(line.sku, line.pieces)
        self.state = "shipped"

    def cancel(self, stock):
        """Give back what is promised; a shipped order cannot be cancelled."""
        if self.state == "shipped":
            raise ValueError("the order is shipped")
        if self.state == "reserved":
            for line in self.lines:
                stock.release(line.sku, line.pieces)
        self.state = "cancelled"
