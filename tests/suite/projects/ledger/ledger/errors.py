"""What can go wrong with a booking."""


class LedgerError(Exception):
    """Root of this package's errors."""


class UnknownAccount(LedgerError, KeyError):
    """No account has that name."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name

    def __str__(self):
        return f"no account is called {self.name!r}"


class Overdrawn(LedgerError):
    """The account does not hold enough."""

    def __init__(self, account, missing):
        super().__init__(f"{account} is short of {missing}")
        self.account = account
        self.missing = missing


class Unbalanced(LedgerError):
    """What is taken and what is given differ."""
