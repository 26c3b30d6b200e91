"""How many there are of each item, and how many of these are promised."""

from stockroom.item import normal_sku


class Stock:
    """Counts by stock number; what is reserved is still there, but not free."""

    def __init__(self, items=()):
        self._items = {item.sku: item for item in items}
        self._count = dict.fromkeys(self._items, 0)
        self._reserved = dict.fromkeys(self._items, 0)
        self.log = []

    def __iter__(self):
        return iter(sorted(self._items.values(), key=lambda item: item.sku))

    def __len__(self):
        return len(self._items)

    def add_item(self, item):
        """A new item, of which there is none yet; a known number gets the new item's data."""
        self._items[item.sku] = item
        self._count.setdefault(item.sku, 0)
        self._reserved.setdefault(item.sku, 0)

    def item(self, sku):
        """Raises KeyError with the number as it should be written."""
        return self._items[normal_sku(sku)]

    def count(self, sku):
        return self._count[self.item(sku).sku]

    def free(self, sku):
        """What is there and not promised."""
        key = self.item(sku).sku
        return self._count[key] - self._reserved[key]

    def receive(self, sku, pieces):
        """Put pieces on the shelf."""
        self._positive(pieces)
        key = self.item(sku).sku
        self._count[key] += pieces
        self.log.append(("in", key, pieces))

    def take(self, sku, pieces):
        """Take free pieces away. Raises ValueError when there are too few."""
        self._positive(pieces)
        key = self.item(sku).sku
        if self.free(key) < pieces:
            raise ValueError(f"only {self.free(key)} of {key} are free")
        self._count[key] -= pieces
        self.log.append(("out", key, pieces))

    def reserve(self, sku, pieces):
        """Promise free pieces. Raises ValueError when there are too few."""
        self._positive(pieces)
        key = self.item(sku).sku
        if self.free(key) < pieces:
            raise ValueError(f"only {self.free(key)} of {key} are free")
        self._reserved[key] += pieces

    def release(self, sku, pieces):
        """Take a promise back, never more than there was."""
        self._positive(pieces)
        key = self.item(sku).sku
        self._reserved[key] = max(0, self._reserved[key] - pieces)

    def ship(self, sku, pieces):
        """Hand out promised pieces. Raises ValueError when fewer are promised."""
        self._positive(pieces)
        key = self.item(sku).sku
        if self._reserved[key] < pieces:
            raise ValueError(f"only {self._reserved[key]} of {key} are reserved")
        self._reserved[key] -= pieces
        self._count[key] -= pieces
        self.log.append(("out", key, pieces))

    @staticmethod
    def _positive(pieces):
        if pieces <= 0:
            raise ValueError("one piece at least")

    def value(self):
        """All pieces times their prices, in cents."""
        return sum(item.price * self._count[item.sku] for item in self)

    def to_order(self):
        """Items of which fewer are free than the point of reordering, the scarcest first."""
        low = [item for item in self if self.free(item.sku) < item.reorder]
        return sorted(low, key=lambda item: self.free(item.sku) - item.reorder)

    def moved(self, direction):
        """{stock number: pieces} of everything that came in or went out."""
        sums = {}
        for way, sku, pieces in self.log:
            if way == direction:
                sums[sku] = sums.get(sku, 0) + pieces
        return sums
