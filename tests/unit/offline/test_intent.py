"""What a request is taken to want: in doubt a fault to mend."""

from __future__ import annotations

import pytest

from bot.domain import Brief, TaskKind
from bot.offline.answers import find_names
from bot.offline.chores import make_fix_command
from bot.offline.intent import Intent, find_renaming, read_intent


def brief(request: str, title: str = "") -> Brief:
    return Brief(kind=TaskKind.CHANGE, request=request, title=title, test_command="pytest -q")


@pytest.mark.parametrize(
    ("request_", "title"),
    [
        ("@hob please fix", ""),
        ("Resolve this.", ""),
        ("tests fail", ""),
        ("@hob", "Total is wrong"),
        ("please have a look", "Doubling is wrong"),
        ("", "Crash with an empty list"),
        ("please fix this", "Add dark mode"),
        ("Add a missing check for None in `total`", ""),
        ("Can you please make `total` work again?", ""),
        ("The docs say it rounds, but it does not. Fix it.", ""),
        ("fix the failing lint test", ""),
        ("make it add", ""),
        ("The README example crashes.\n\n```\nwrite(1)\n```", ""),
        ("Change the comparison so that 18 is of age", ""),
    ],
)
def test_in_doubt_it_mends(request_: str, title: str) -> None:
    assert read_intent(brief(request_, title)) is Intent.MEND


@pytest.mark.parametrize(
    ("request_", "title"),
    [
        ("write a poem about the bug", ""),
        ("add a feature that exports CSV", ""),
        ("Please add dark mode", ""),
        ("@hob please do this", "Add dark mode to the settings"),
        ("@hob", "Feature request: sort by name"),
        ("update the docs for `total`", ""),
        ("fix the typo in the README", ""),
        ("Refactor the cart into two modules", ""),
        ("@hob could you implement paging", ""),
        ("explain how this repository works", ""),
    ],
)
def test_what_plainly_is_no_fault_is_refused(request_: str, title: str) -> None:
    assert read_intent(brief(request_, title)) is Intent.BEYOND


@pytest.mark.parametrize(
    ("request_", "old", "new"),
    [
        ("rename `total` to `grand_total`", "total", "grand_total"),
        ("Please rename the function Cart.add() to put.", "Cart.add", "put"),
        ("@hob rename variable x -> width", "x", "width"),
        ("change the name of `Cart` to `Basket`", "Cart", "Basket"),
        ("rename total in shop/cart.py to sum_up", "total", "sum_up"),
    ],
)
def test_the_two_names_of_a_renaming(request_: str, old: str, new: str) -> None:
    found = find_renaming(brief(request_))
    assert found is not None
    assert (found.old, found.new, found.more) == (old, new, False)
    assert read_intent(brief(request_)) is Intent.RENAME


@pytest.mark.parametrize("request_", ["fix the lint", "@hob make ruff pass", "Run the code formatter"])
def test_lint_is_heard(request_: str) -> None:
    assert read_intent(brief(request_)) is Intent.LINT


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ("What does `Cart.total(x)` take?", ["Cart.total"]),
        ("Where is load_all defined?", ["load_all"]),
        ("what does parse take?", ["parse"]),
        ("What are the parameters of the function parse?", ["parse"]),
        ("Where is the mistake?", ["mistake"]),
    ],
)
def test_names_in_a_question(request_: str, names: list[str]) -> None:
    assert read_intent(brief(request_)) is Intent.ASK
    assert find_names(brief(request_)) == names


@pytest.mark.parametrize(
    ("command", "fixing"),
    [
        ("ruff check .", "ruff check --fix ."),
        ("ruff check . && ruff format --check .", "ruff check --fix . ; ruff format ."),
        ("python -m black --check --diff src", "python -m black src"),
        ("isort --check-only .", "isort ."),
        ("npx prettier --check .", "npx prettier --write ."),
        ("mypy .", ""),
        ("flake8 | head", ""),
        ("make lint", ""),
        ("", ""),
    ],
)
def test_a_linters_own_fixes(command: str, fixing: str) -> None:
    assert make_fix_command(command) == fixing
