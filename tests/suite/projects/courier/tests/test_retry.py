import asyncio

import pytest
from courier.retry import GaveUp, Policy, retry


class Flaky:
    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def run(action, policy):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    async def main():
        return await retry(action, policy, sleep)

    return asyncio.run(main()), pauses


def test_success_needs_no_pause():
    assert run(Flaky(), Policy()) == ("done", [])


def test_pauses_grow():
    assert run(Flaky(OSError(), OSError(), OSError()), Policy(tries=4)) == ("done", [1.0, 2.0, 4.0])


def test_it_gives_up():
    flaky = Flaky(*[OSError("down")] * 9)
    with pytest.raises(GaveUp, match="gave up after 3 tries: down") as caught:
        run(flaky, Policy())
    assert flaky.calls == 3
    assert isinstance(caught.value.last, OSError)


def test_other_errors_pass_at_once():
    flaky = Flaky(KeyError("x"))
    with pytest.raises(KeyError):
        run(flaky, Policy())
    assert flaky.calls == 1


def test_pauses_have_a_limit():
    policy = Policy(tries=8, first=1, longest=10)
    assert [policy.pause(number) for number in range(1, 8)] == [0.0, 1, 2, 4, 8, 10, 10]
    assert policy.total() == 45
