"""A parcel, the states it goes through, and what a delivery costs."""

from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """Where a parcel is."""

    CREATED = "created"
    PAID = "paid"
    SENT = "sent"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


STEPS = {
    State.CREATED: {State.PAID, State.CANCELLED},
    State.PAID: {State.SENT, State.CANCELLED},
    State.SENT: {State.DELIVERED, State.RETURNED},
    State.DELIVERED: {State.RETURNED},
    State.RETURNED: {State.SENT, State.CANCELLED},
    State.CANCELLED: set(),
}


class WrongStep(Exception):
    """That state cannot follow."""

    def __init__(self, before, after):
        super().__init__(f"{before.value} cannot become {after.value}")


@dataclass
class Parcel:
    """``grams`` is its weight, ``size`` (length, width, height) in centimetres."""

    number: str
    grams: int
    size: tuple = (10, 10, 10)
    express: bool = False
    state: State = State.CREATED
    history: list = field(default_factory=list)

    @property
    def final(self):
        """Whether nothing can follow."""
        return not STEPS[self.state]

    def go(self, state):
        """Take a step. Raises WrongStep, and leaves the parcel as it was."""
        if state not in STEPS[self.state]:
            raise WrongStep(self.state, state)
        self.history.append(self.state)
        self.state = state

    def volume_grams(self):
        """The weight that its size counts for: 200 g a litre, begun litres count."""
        length, width, height = self.size
        return -(-length * width * height // 1000) * 200

    def price(self):
        """In cents: 390 up to 1 kg, 590 up to 5 kg, then 100 for each begun kilogram; express adds half."""
        grams = max(self.grams, self.volume_grams())
        if grams <= 1000:
            cents = 390
        elif grams <= 5000:
            cents = 590
        else:
            cents = 590 + -(-(grams - 5000) // 1000) * 100
        if self.express:
            cents += cents // 2
        return cents


def check_number(number):
    """Two letters, eight digits, a check digit: the digits times 3, 1, 3, 1 ... fill it up to tens."""
    if len(number) != 11 or not number[:2].isalpha() or not number[2:].isdigit():
        return False
    digits = [int(digit) for digit in number[2:10]]
    total = sum(digit * (3 if at % 2 == 0 else 1) for at, digit in enumerate(digits))
    return (10 - total % 10) % 10 == int(number[10])
