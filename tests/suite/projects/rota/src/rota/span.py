"""Stretches of time, their overlaps and gaps. The end is not part of a span."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Span:
    """From ``start`` up to, not including, ``end``."""

    start: datetime
    end: datetime

    def __post_init__(self):
        if self.end <= self.start:
            raise ValueError("a span must end after it starts")

    @property
    def length(self):
        return self.end - self.start

    def __contains__(self, moment):
        return self.start <= moment < self.end

    def overlaps(self, other):
        """Spans that only touch do not overlap."""
        return self.start < other.end and other.start < self.end

    def common(self, other):
        """The shared part, or None."""
        if not self.overlaps(other):
            return None
        return Span(max(self.start, other.start), min(self.end, other.end))

    def minus(self, other):
        """What is left of it, as zero, one or two spans."""
        if not self.overlaps(other):
            return [self]
        left = []
        if self.start < other.start:
            left.append(Span(self.start, other.start))
        if other.end < self.end:
            left.append(Span(other.end, self.end))
        return left


def merge(spans):
    """The same time as few spans as can be, in order; touching ones become one."""
    merged = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            last = merged.pop()
            merged.append(Span(last.start, max(last.end, span.end)))
        else:
            merged.append(span)
    return merged


def gaps(spans, within):
    """The parts of ``within`` that no span covers."""
    free = [within]
    for span in spans:
        free = [piece for each in free for piece in each.minus(span)]
    return free


def total(spans):
    """How long they are together, time that is covered twice counted once."""
    return sum((span.length for span in merge(spans)), timedelta())
