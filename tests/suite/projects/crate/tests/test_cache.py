import pytest
from crate.cache import Cache, cached, loaders


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_what_is_put_is_found():
    cache = Cache()
    cache.put("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b") is None
    assert cache.get("b", 7) == 7


def test_the_least_recently_used_goes_first():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.keys() == ["a", "c"]
    assert cache.counts.dropped == 1


def test_writing_again_is_a_use():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 9)
    cache.put("c", 3)
    assert cache.get("a") == 9
    assert "b" not in cache


def test_looking_is_no_use():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert "a" in cache
    cache.put("c", 3)
    assert cache.keys() == ["b", "c"]


def test_entries_grow_old(clock):
    cache = Cache(ttl=10, clock=clock)
    cache.put("a", 1)
    clock.now += 9.5
    assert cache.get("a") == 1
    clock.now += 0.5
    assert "a" not in cache
    assert cache.get("a") is None
    assert len(cache) == 0


def test_sweeping(clock):
    cache = Cache(ttl=10, clock=clock)
    cache.put("a", 1)
    cache.put("b", 1)
    clock.now += 5
    cache.put("c", 1)
    clock.now += 5
    assert cache.sweep() == 2
    assert cache.keys() == ["c"]


def test_counts():
    cache = Cache()
    assert cache.counts.rate == 0.0
    cache.put("a", 1)
    cache.get("a")
    cache.get("a")
    cache.get("a")
    cache.get("b")
    assert cache.counts.rate == 0.75


def test_forgetting_by_prefix():
    cache = Cache()
    for key in ("user:1", "user:2", "page:1", 5):
        cache.put(key, "x")
    assert cache.forget("user:") == 2
    assert cache.keys() == ["page:1", 5]


def test_no_room_at_all():
    with pytest.raises(ValueError, match="one entry"):
        Cache(0)


def test_results_are_kept():
    calls = []

    @cached(size=2)
    def square(number, *, plus=0):
        """Square it."""
        calls.append((number, plus))
        return number * number + plus

    assert [square(2), square(2), square(2, plus=1), square(2, plus=1)] == [4, 4, 5, 5]
    assert calls == [(2, 0), (2, 1)]
    assert square.__name__ == "square"
    assert square.cache.counts.hits == 2


def test_none_is_a_result():
    calls = []

    @cached()
    def nothing(key):
        calls.append(key)

    nothing(1)
    nothing(1)
    assert calls == [1]


def test_each_loader_loads_its_own():
    loaded = []

    def load(source):
        loaded.append(source)
        return source.upper()

    made = loaders({"one": "a", "two": "b"}, load)
    assert made["one"]() == "A"
    assert made["one"]() == "A"
    assert made["two"]() == "B"
    assert loaded == ["a", "b"]
