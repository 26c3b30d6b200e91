"""An item and the number it goes by."""

import re
from dataclasses import dataclass, replace

_SKU = re.compile(r"[A-Z]{2,4}-\d{3,5}(?:-[A-Z0-9]{1,3})?")


def normal_sku(text):
    """``ab 123 x`` and ``AB_123_X`` are ``AB-123-X``. Raises ValueError."""
    sku = re.sub(r"[\s_-]+", "-", text.strip()).upper()
    if not _SKU.fullmatch(sku):
        raise ValueError(f"not a stock number: {text!r}")
    return sku


@dataclass(frozen=True)
class Item:
    """``price`` in cents; below ``reorder`` pieces it is ordered again."""

    sku: str
    name: str
    price: int
    reorder: int = 0
    group: str = "other"

    def __post_init__(self):
        object.__setattr__(self, "sku", normal_sku(self.sku))
        if self.price < 0:
            raise ValueError(f"{self.sku}: the price cannot be negative")

    def discounted(self, percent):
        """The item for less; whole cents, rounded down."""
        if not 0 <= percent <= 100:
            raise ValueError(f"{percent} is no percentage")
        return replace(self, price=self.price * (100 - percent) // 100)
