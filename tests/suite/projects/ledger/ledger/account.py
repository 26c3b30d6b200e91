"""One account and its entries."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from ledger.errors import Overdrawn
from ledger.money import Money


class Kind(Enum):
    """What an account stands for."""

    ASSET = "asset"
    INCOME = "income"
    EXPENSE = "expense"


@dataclass(frozen=True)
class Entry:
    """A change of one account."""

    day: date
    amount: Money
    text: str
    tags: tuple[str, ...] = ()


@dataclass
class Account:
    """A name, its entries in the order they came, and how far below zero it may go."""

    name: str
    kind: Kind = Kind.ASSET
    limit: Money = field(default_factory=lambda: Money(0))
    entries: list[Entry] = field(default_factory=list)
    closed: bool = False

    @property
    def balance(self):
        """The sum of all entries."""
        total = Money(0, self.limit.currency)
        for entry in self.entries:
            total = total + entry.amount
        return total

    def balance_on(self, day):
        """The sum of the entries up to the end of ``day``."""
        total = Money(0, self.limit.currency)
        for entry in self.entries:
            if entry.day <= day:
                total = total + entry.amount
        return total

    def may_take(self, amount):
        """Whether ``amount`` can leave without crossing the limit; only assets have one."""
        if self.kind is not Kind.ASSET:
            return True
        return self.balance - amount >= -self.limit

    def post(self, entry):
        """Add an entry. Raises Overdrawn, or ValueError for a closed account."""
        if self.closed:
            raise ValueError(f"{self.name} is closed")
        if entry.amount < Money(0, entry.amount.currency) and not self.may_take(-entry.amount):
            raise Overdrawn(self.name, -(self.balance + entry.amount + self.limit))
        self.entries.append(entry)

    def tagged(self, tag):
        """The entries with that tag, whatever its case."""
        return [entry for entry in self.entries if tag.lower() in entry.tags]
