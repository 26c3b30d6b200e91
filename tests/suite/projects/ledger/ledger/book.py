"""All accounts together: transfers that balance, undo, and a monthly overview."""

from collections import defaultdict

from ledger.account import Account, Entry, Kind
from ledger.errors import Unbalanced, UnknownAccount
from ledger.money import Money


class Book:
    """Accounts by name; every transfer changes at least two of them."""

    def __init__(self, currency="EUR"):
        self.currency = currency
        self._accounts = {}
        self._history = []

    def open(self, name, kind=Kind.ASSET, limit=None):
        """A new account; its name must be free."""
        if name in self._accounts:
            raise ValueError(f"{name!r} is taken")
        account = Account(name, kind, limit or Money(0, self.currency))
        self._accounts[name] = account
        return account

    def __getitem__(self, name):
        try:
            return self._accounts[name]
        except KeyError:
            raise UnknownAccount(name) from None

    def __contains__(self, name):
        return name in self._accounts

    def __len__(self):
        return len(self._accounts)

    def names(self, kind=None):
        """Names in alphabetical order, of one kind or of all."""
        return sorted(name for name, account in self._accounts.items() if kind in (None, account.kind))

    def transfer(self, day, source, target, amount, text, tags=()):
        """Move ``amount`` from one account to the other."""
        if amount <= Money(0, self.currency):
            raise ValueError("the amount must be positive")
        self.post(day, {source: -amount, target: amount}, text, tags)

    def post(self, day, changes, text, tags=()):
        """Change several accounts at once, all or none. Raises Unbalanced when the sum is not zero."""
        total = sum((amount.cents for amount in changes.values()), 0)
        if total != 0:
            raise Unbalanced(f"{text!r} is off by {Money(total, self.currency)}")
        accounts = [(self[name], amount) for name, amount in changes.items()]
        done = []
        try:
            for account, amount in accounts:
                account.post(Entry(day, amount, text, tuple(tag.lower() for tag in tags)))
                done.append(account)
        except Exception:
            for account in done:
                account.entries.pop()
            raise
        self._history.append(done)

    def undo(self):
        """Take back the last posting; returns its text, or None when there is nothing."""
        if not self._history:
            return None
        text = None
        for account in self._history.pop():
            text = account.entries.pop().text
        return text

    def total(self, kind):
        """The sum of the balances of one kind."""
        total = Money(0, self.currency)
        for account in self._accounts.values():
            if account.kind is kind:
                total = total + account.balance
        return total

    def monthly(self, kind):
        """{(year, month): sum} over all accounts of a kind, months in order."""
        sums = defaultdict(lambda: Money(0, self.currency))
        for account in self._accounts.values():
            if account.kind is not kind:
                continue
            for entry in account.entries:
                month = (entry.day.year, entry.day.month)
                sums[month] = sums[month] + entry.amount
        return dict(sorted(sums.items()))

    def merge(self, other):
        """A new book with the accounts of both; the same name's entries come in order of their day."""
        merged = Book(self.currency)
        for book in (self, other):
            for name in book.names():
                account = book[name]
                if name not in merged:
                    merged.open(name, account.kind, account.limit)
                merged[name].entries.extend(account.entries)
        for name in merged.names():
            merged[name].entries.sort(key=lambda entry: entry.day)
        return merged
