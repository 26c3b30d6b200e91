"""Double-entry bookkeeping for a small club."""

from ledger.account import Account, Kind
from ledger.book import Book
from ledger.errors import LedgerError, Overdrawn, UnknownAccount
from ledger.money import Money

__all__ = ["Account", "Book", "Kind", "LedgerError", "Money", "Overdrawn", "UnknownAccount"]
