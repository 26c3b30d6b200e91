"""Amounts in whole cents of one currency."""

import re
from dataclasses import dataclass
from functools import total_ordering

_AMOUNT = re.compile(r"^\s*(?P<sign>[-+]?)\s*(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<cents>\d{1,2}))?\s*$")


@total_ordering
@dataclass(frozen=True)
class Money:
    """``cents`` may be negative."""

    cents: int
    currency: str = "EUR"

    @classmethod
    def parse(cls, text, currency="EUR"):
        """Read ``1,234.50``, ``-3`` or ``+0.5``; raises ValueError for anything else."""
        found = _AMOUNT.match(text)
        if found is None:
            raise ValueError(f"not an amount: {text!r}")
        cents = int(found["whole"].replace(",", "")) * 100
        if found["cents"]:
            cents += int(found["cents"].ljust(2, "0"))
        if found["sign"] == "-":
            cents = -cents
        return cls(cents, currency)

    def _same(self, other):
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")

    def __add__(self, other):
        self._same(other)
        return Money(self.cents + other.cents, self.currency)

    def __sub__(self, other):
        self._same(other)
        return Money(self.cents - other.cents, self.currency)

    def __neg__(self):
        return Money(-self.cents, self.currency)

    def __lt__(self, other):
        self._same(other)
        return self.cents < other.cents

    def __bool__(self):
        return self.cents != 0

    def __str__(self):
        sign = "-" if self.cents < 0 else ""
        whole, cents = divmod(abs(self.cents), 100)
        return f"{sign}{whole:,}.{cents:02} {self.currency}"

    def split(self, parts):
        """Divide into ``parts`` shares that differ by a cent at most; the larger ones come first."""
        if parts < 1:
            raise ValueError("at least one part")
        share, rest = divmod(self.cents, parts)
        return [Money(share + (1 if at < rest else 0), self.currency) for at in range(parts)]

    def percent(self, rate):
        """``rate`` per cent of it, half cents away from zero."""
        scaled = abs(self.cents) * rate
        cents = (scaled + 50) // 100
        return Money(cents if self.cents >= 0 else -cents, self.currency)
