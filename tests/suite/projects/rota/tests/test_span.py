from datetime import datetime, timedelta

import pytest
from rota.span import Span, gaps, merge, total


def at(hour, minute=0):
    return datetime(2024, 6, 3, hour, minute)


def span(start, end):
    return Span(at(start), at(end))


def test_it_must_end_after_it_starts():
    with pytest.raises(ValueError, match="must end"):
        Span(at(9), at(9))


def test_the_end_is_outside():
    assert at(9) in span(9, 10)
    assert at(10) not in span(9, 10)


def test_touching_is_not_overlapping():
    assert not span(9, 10).overlaps(span(10, 11))
    assert span(9, 11).overlaps(span(10, 12))
    assert span(8, 12).overlaps(span(9, 10))


def test_the_common_part():
    assert span(9, 12).common(span(11, 14)) == span(11, 12)
    assert span(9, 10).common(span(11, 12)) is None


def test_what_is_left():
    assert span(9, 17).minus(span(12, 13)) == [span(9, 12), span(13, 17)]
    assert span(9, 10).minus(span(8, 11)) == []
    assert span(9, 12).minus(span(8, 10)) == [span(10, 12)]
    assert span(9, 10).minus(span(12, 13)) == [span(9, 10)]


def test_merging():
    assert merge([span(14, 15), span(9, 11), span(10, 12), span(12, 13)]) == [span(9, 13), span(14, 15)]
    assert merge([span(9, 17), span(10, 11)]) == [span(9, 17)]
    assert merge([]) == []


def test_gaps():
    assert gaps([span(10, 11), span(13, 14)], span(9, 15)) == [span(9, 10), span(11, 13), span(14, 15)]


def test_time_that_is_covered_twice_counts_once():
    assert total([span(9, 11), span(10, 12)]) == timedelta(hours=3)
