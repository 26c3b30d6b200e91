import asyncio

import pytest
from courier.bus import Bus, fits


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("order.paid", "order.paid", True),
        ("order.paid", "order.sent", False),
        ("order.*", "order.paid", True),
        ("order.*", "order.paid.twice", True),
        ("order.*", "order", False),
        ("*", "anything.at.all", True),
        ("*.paid", "order.paid", True),
        ("*.paid", "order.item.paid", False),
        ("order.paid", "order.paid.twice", False),
    ],
)
def test_patterns(pattern, topic, expected):
    assert fits(pattern, topic) is expected


def test_functions_and_coroutines():
    seen = []

    async def slow(topic, message):
        await asyncio.sleep(0)
        seen.append(("slow", topic, message))

    bus = Bus()
    bus.subscribe("a.*", slow)
    bus.subscribe("a.b", lambda topic, message: seen.append(("fast", topic, message)))
    assert asyncio.run(bus.publish("a.b", 5)) == 2
    assert sorted(seen) == [("fast", "a.b", 5), ("slow", "a.b", 5)]


def test_one_that_fails_does_not_stop_the_others():
    seen = []

    async def wrong(topic, message):
        raise ValueError(message)

    bus = Bus()
    bus.subscribe("x", wrong)
    bus.subscribe("x", lambda topic, message: seen.append(message))
    assert asyncio.run(bus.publish("x", "hello")) == 1
    assert seen == ["hello"]
    ((topic, error),) = bus.errors
    assert topic == "x"
    assert str(error) == "hello"


def test_a_handler_is_there_once():
    bus = Bus()

    def handler(topic, message):
        pass

    stop = bus.subscribe("x", handler)
    bus.subscribe("x", handler)
    assert bus.handlers("x") == [handler]
    stop()
    stop()
    assert bus.handlers("x") == []


def test_waiting_for_a_message():
    async def main():
        bus = Bus()
        waiting = asyncio.ensure_future(bus.wait_for("order.*"))
        await asyncio.sleep(0)
        await bus.publish("other", 0)
        await bus.publish("order.paid", 1)
        await bus.publish("order.paid", 2)
        return await waiting, bus.handlers("order.paid")

    assert asyncio.run(main()) == (("order.paid", 1), [])


def test_waiting_in_vain():
    async def main():
        bus = Bus()
        with pytest.raises(TimeoutError):
            await bus.wait_for("x", 0.01)
        return bus.handlers("x")

    assert asyncio.run(main()) == []
