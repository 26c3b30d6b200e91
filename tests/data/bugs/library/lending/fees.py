"""What late books cost, in cents."""

DAILY = 25
GRACE_DAYS = 2
LIMIT = 1000


def fee(days_late, daily=DAILY):
    """Nothing within the days of grace, then per day, never more than the limit."""
    if days_late <= GRACE_DAYS:
        return 0
    return min((days_late - GRACE_DAYS) * daily, LIMIT)


def total(fees, discount=0):
    """The sum after a discount in percent, rounded down to whole cents."""
    amount = sum(fees)
    return amount * (100 - discount) // 100


def average(fees):
    """The mean fee, 0 when there is none."""
    if not fees:
        return 0
    return sum(fees) / len(fees)


def money(cents):
    """``1234`` -> ``12.34 EUR``"""
    sign = "-" if cents < 0 else ""
    cents = abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02d} EUR"
