"""Inputs near those of the tests, and calls that are bounded and write nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bot.guest.mend.forkserver.prober import (
    CallRecorder,
    call,
    count_steps,
    find_probed,
    find_varied,
    grow_inputs,
    make_inputs,
    render_call,
)
from tests.support import ROOT


def double(number: int, names: list[str] | None = None) -> Any:
    if names:
        names.append("x")
    return number * 2 if number < 100 else -number


def test_arguments_are_taken_as_they_were_when_the_call_began() -> None:
    recorder = CallRecorder(double.__code__)
    sys.setprofile(recorder.watch)
    try:
        double(1, names=["a"])
        double(1, names=["a"])
    finally:
        sys.setprofile(None)
    assert list(recorder.inputs.values()) == [{"number": 1, "names": ["a"]}]


def test_inputs_differ_in_one_argument_and_none_comes_twice() -> None:
    first = {"number": 3, "text": "ab", "items": [1, 2], "flag": True, "none": None}
    made = make_inputs([first])
    assert 15 < len(made) <= 48
    assert all(sum(each[name] != value for name, value in first.items()) <= 1 for each in made)
    assert len({repr(each) for each in made}) == len(made)
    assert {name for each in made for name, value in first.items() if each[name] != value} == set(first)


def gather(first: int, *rest: int, scale: int = 1, **more: int) -> int:
    return (first + sum(rest)) * scale - sum(more.values())


class Base:
    def add(self, number: int) -> int:
        return number + 1


class Derived(Base):
    def add(self, number: int) -> int:
        return super().add(number) * 2


def test_a_function_with_any_number_of_arguments_is_called_with_them_all() -> None:
    recorder = CallRecorder(gather.__code__)
    sys.setprofile(recorder.watch)
    try:
        gather(1, 2, 3, scale=4, lost=5)
    finally:
        sys.setprofile(None)
    (taken,) = recorder.inputs.values()
    assert taken == {"first": 1, "rest": (2, 3), "scale": 4, "more": {"lost": 5}}
    assert call(gather, taken).text == "19"
    assert {call(gather, each).text for each in make_inputs([taken])} > {"7", "24", "-1"}


def test_a_method_that_asks_its_base_class_is_called_and_an_inner_function_is_not() -> None:
    def outer(step: int) -> Any:
        def inner(number: int) -> int:
            return number + step

        return inner

    inner = outer(1)
    living: dict[Any, Any] = {
        ("f.py", "Derived.add"): {Derived.add.__code__: [Derived.add]},
        ("f.py", "inner"): {inner.__code__: [inner]},
    }
    found = find_probed(living, "f.py", "Derived.add")
    assert found is not None
    assert call(found, {"self": Derived(), "number": 2}).text == "6"
    assert find_probed(living, "f.py", "inner") is None


class Section:
    def __init__(self, title: str, parts: list[Any]) -> None:
        self.title, self.parts = title, parts


def make_section(title: str) -> Any:
    return Section(title, [Section("inner", [])])


def test_objects_that_are_alike_read_alike_wherever_they_stand_in_memory() -> None:
    kept = [call(make_section, {"title": "a"}) for _ in range(3)]
    assert len({each.text for each in kept}) == 1
    assert "0x" not in kept[0].text and "'title': 'a'" in kept[0].text
    assert call(make_section, {"title": "b"}).text != kept[0].text


class Slotted:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def make_many(number: int) -> Any:
    return [Slotted(number), {"kept": Section("s", [Slotted(number + 1)])}, {Slotted(1), Slotted(2)}]


def test_objects_in_lists_and_with_slots_are_told_apart_by_what_they_hold() -> None:
    kept = [call(make_many, {"number": 1}).text for _ in range(3)]
    assert len(set(kept)) == 1
    assert "0x" not in kept[0]
    assert call(make_many, {"number": 2}).text != kept[0]


@pytest.mark.parametrize(
    ("given", "said"),
    [({"number": 2, "names": None}, "4"), ({"number": "x", "names": None}, "raises TypeError")],
)
def test_a_call_gives_its_result_or_its_exception(given: dict[str, Any], said: str) -> None:
    assert call(double, given).text == said


def total_twice(numbers: list[int]) -> int:
    return sum(a + b for a in numbers for b in numbers)


def total_once(numbers: list[int]) -> int:
    return 2 * len(numbers) * sum(a for a in numbers)


def test_another_order_of_growth_shows_on_larger_inputs() -> None:
    """More lines run, whatever the machine is doing."""
    grown = grow_inputs([{"numbers": [1, 2, 3]}])
    assert len(grown[0]["numbers"]) == 18
    slow, quick = count_steps(total_twice, grown), count_steps(total_once, grown)
    assert slow > 8 * quick > 0
    assert call(total_twice, grown[0]).text == call(total_once, grown[0]).text


def test_inputs_are_made_at_the_constants_of_the_code() -> None:
    made = make_inputs([{"number": 3, "names": None}], double.__code__)
    assert {99, 100, 101} <= {each["number"] for each in made}


def test_the_argument_that_was_made_up_is_known() -> None:
    recorded = [{"graph": {1: [2], 2: []}, "start": 1}]
    made = make_inputs(recorded)
    assert {"graph": {1: [2], 2: [2]}, "start": 1} in made
    assert {find_varied(recorded, each) for each in made} == {"dict", "int"}
    assert find_varied(recorded, recorded[0]) == ""


def test_a_call_is_shown_as_a_person_writes_it() -> None:
    assert render_call("Cart.total", {"self": 1, "rate": 0.5}) == "total(0.5)"


def test_nothing_is_written_and_no_call_goes_on_for_ever(tmp_path: Any) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from bot.guest.mend.forkserver.prober import call, forbid_writing
forbid_writing()
def write(path): open(path, "w").write("x")
def turn(path):
    while True: pass
def run(path): __import__("os").system("touch " + path)
for each in (write, turn, run):
    print(call(each, {{"path": {str(tmp_path / "made")!r}}}).text)
"""
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["no end"] * 3
    assert list(tmp_path.iterdir()) == []
