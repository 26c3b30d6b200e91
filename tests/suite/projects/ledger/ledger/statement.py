"""An account's statement as text."""

from ledger.money import Money

WIDTH = 48


def lines(account, first, last):
    """The statement of the days from ``first`` to ``last``, both included."""
    running = Money(0, account.limit.currency)
    shown = []
    for entry in account.entries:
        running = running + entry.amount
        if first <= entry.day <= last:
            shown.append(_line(entry.day.isoformat(), entry.text, running))
    return shown


def _line(day, text, running):
    amount = str(running)
    room = WIDTH - len(day) - len(amount) - 2
    if len(text) > room:
        text = text[: room - 1] + "…"
    return f"{day} {text.ljust(room)} {amount}"


def statement(account, first, last):
    """Head, lines and the balance at the end."""
    body = lines(account, first, last) or ["(no entries)"]
    closing = account.balance_on(last)
    return "\n".join([f"{account.name} ({account.kind.value})", *body, f"balance {closing}"])


def largest(account, count=3):
    """The entries with the largest amounts in or out, largest first; ties as they came."""
    return sorted(account.entries, key=lambda entry: abs(entry.amount.cents), reverse=True)[:count]
