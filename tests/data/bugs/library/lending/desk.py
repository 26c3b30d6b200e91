"""The desk: who has what, and who waits for it."""

from collections import deque

from .fees import fee


class NotAvailable(Exception):
    """No copy is left."""


class Desk:
    def __init__(self, books, per_member=3):
        self.stock = {book.title: book.copies for book in books}
        self.per_member = per_member
        self.loans = {}
        self.waiting = {}
        self.debts = {}
        self.events = []

    def lend(self, member, title, day, days=14):
        """Hand out a copy; returns the day on which it is due."""
        if title not in self.stock:
            raise KeyError(title)
        if len(self.loans.get(member, {})) >= self.per_member:
            raise ValueError("too many books")
        if self.stock[title] == 0:
            raise NotAvailable(title)
        self.stock[title] -= 1
        due = day + days
        self.loans.setdefault(member, {})[title] = due
        self.events.append(("lend", member, title))
        return due

    def give_back(self, member, title, day):
        """Take a copy back; returns the member who waits for it next, or None."""
        due = self.loans[member].pop(title)
        self.stock[title] += 1
        self.events.append(("back", member, title))
        late = day - due
        if late > 0:
            self.debts[member] = self.debts.get(member, 0) + fee(late)
        queue = self.waiting.get(title)
        return queue.popleft() if queue else None

    def wait(self, member, title):
        """Queue up; returns the place in the queue, from 1."""
        queue = self.waiting.setdefault(title, deque())
        if member not in queue:
            queue.append(member)
        return queue.index(member) + 1

    def overdue(self, day):
        """(member, title) of everything that is late, the latest first."""
        late = []
        for member, titles in self.loans.items():
            for title, due in titles.items():
                if due < day:
                    late.append((day - due, member, title))
        return [(member, title) for _, member, title in sorted(late, reverse=True)]

    def pay(self, member, cents):
        """Pay off a debt; returns what is given back."""
        owed = self.debts.get(member, 0)
        if cents >= owed:
            self.debts.pop(member, None)
            return cents - owed
        self.debts[member] = owed - cents
        return 0

    def history(self):
        """A copy of what happened."""
        return list(self.events)
