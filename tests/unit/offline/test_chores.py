"""Renaming, suggestions, the linter's fixes and answers: the whole loop on a small repository."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.agent.loop import run_loop
from bot.agent.models.calls import RetryPolicy
from bot.agent.models.direct import DirectCall
from bot.domain import Brief, CommentedLines, Outcome, OutcomeKind, TaskKind
from bot.offline.engine import make_offline_model
from tests.support.agent import LIMITS, DirectorySandbox, Memory

FILES = {
    "shop/__init__.py": "from .cart import Cart, total\n",
    "shop/cart.py": (
        '"""A cart; total is what it costs."""\n__all__ = ["total", "Cart"]\nRATE = 2\n\n\n'
        "def total(items, rate=RATE):\n"
        '    """Sum up."""\n    é = [total for total in items]\n    return sum(é) * rate\n\n\n'
        "class Cart:\n    def __init__(self):\n        self.items = []\n\n"
        "    def add_item(self, item):\n        self.items.append(item)\n"
        "        return total(self.items, rate=3)\n"
    ),
    "test_shop.py": (
        "import shop\nimport shop.cart as c\nfrom shop import Cart\nfrom shop import total as t\n\n\n"
        "def test_all():\n    assert shop.total([1]) == c.total([1]) == t([1]) == 2\n"
        "    assert Cart().add_item(1) == 3\n\n\n"
        "def unrelated(total):\n    return total\n"
    ),
    "README.md": "Use `total`.\n",
}


class Shop:
    """The repository, and what came of a request on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text.encode())

    def does(self, request: str, **more: Any) -> Outcome:
        """Run the engine in the loop to its end."""
        brief = Brief(kind=TaskKind.CHANGE, request=request, title="", **{"test_command": "true", **more})
        model = DirectCall("offline", make_offline_model(), retry_policy=RetryPolicy(), streamed=False)
        return asyncio.run(
            run_loop(
                brief=brief, model=model, sandbox=DirectorySandbox(self.root), limits=LIMITS, journal=Memory()
            )
        )

    def text(self, name: str) -> str:
        """A file as it is now."""
        return (self.root / name).read_bytes().decode()

    def unchanged(self) -> bool:
        """Whether every file is as it was."""
        return all(self.text(name) == text for name, text in FILES.items())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "repo")


def test_a_function_is_renamed_everywhere_it_is_meant(shop: Shop) -> None:
    done = shop.does(
        "rename `total` to `grand_total`", test_command=f"{sys.executable} -m pytest -q -p no:cacheprovider"
    )
    assert (done.kind, done.title) == (OutcomeKind.CHANGED, "Rename total to grand_total")
    assert "passes" in done.summary
    assert "`README.md:1`" in done.summary
    cart, test = shop.text("shop/cart.py"), shop.text("test_shop.py")
    assert '__all__ = ["grand_total", "Cart"]' in cart
    assert "def grand_total(items" in cart and "[total for total in items]" in cart
    assert "shop.grand_total([1]) == c.grand_total([1]) == t([1])" in test
    assert "from shop import grand_total as t" in test
    assert "def unrelated(total):\n    return total" in test
    assert shop.text("README.md") == FILES["README.md"]


@pytest.mark.parametrize(
    ("request_", "path", "there"),
    [
        ("rename Cart.add_item to put", "test_shop.py", "Cart().put(1)"),
        ("rename the parameter rate to factor", "shop/cart.py", "total(self.items, factor=3)"),
        ("rename RATE to RATIO", "shop/cart.py", "def total(items, rate=RATIO)"),
        ("rename the class Cart to Basket", "shop/__init__.py", "import Basket, total"),
    ],
)
def test_other_names_are_renamed(shop: Shop, request_: str, path: str, there: str) -> None:
    assert shop.does(request_).kind is OutcomeKind.CHANGED
    assert there in shop.text(path)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("rename nothing to something", "defines `nothing`"),
        ("rename total to sum", "hide Python's own"),
        ("rename total to class", "not a name"),
        ("rename total to RATE", "used already"),
        ("rename Cart.items to wares", "Python's own types"),
        ("rename the directory", "Say what to rename"),
    ],
)
def test_what_cannot_be_told_apart_is_not_renamed(shop: Shop, request_: str, why: str) -> None:
    told = shop.does(request_)
    assert told.kind is OutcomeKind.BLOCKED
    assert why in told.summary
    assert shop.unchanged()


def test_one_name_for_two_things_is_refused_and_both_are_named(shop: Shop) -> None:
    (shop.root / "other.py").write_text("def total():\n    return 1\n")
    told = shop.does("rename total to grand_total")
    assert "`other.py:1`" in told.summary and "`shop/cart.py:6`" in told.summary
    assert shop.unchanged()
    assert shop.does("rename other.total to one").kind is OutcomeKind.CHANGED
    assert shop.unchanged()


def test_a_method_of_an_unrelated_class_keeps_its_name(shop: Shop) -> None:
    text = (
        "from shop.cart import Cart\n\n\nclass Box:\n    def add_item(self, x):\n        return x\n\n"
        "    def twice(self, x):\n        return self.add_item(self.add_item(x))\n\n\n"
        "def fill(cart: Cart):\n    box = Box()\n    cart.add_item(box.add_item(1))\n"
    )
    (shop.root / "box.py").write_text(text)
    assert shop.does("rename Cart.add_item to put").kind is OutcomeKind.CHANGED
    assert shop.text("box.py") == text.replace("cart.add_item", "cart.put")
    assert "Cart().put(1)" in shop.text("test_shop.py")


def test_an_object_of_an_unknown_class_is_not_guessed_at(shop: Shop) -> None:
    (shop.root / "box.py").write_text("class Box:\n    def add_item(self, x):\n        return x\n")
    (shop.root / "use.py").write_text("def fill(one):\n    one.add_item(1)\n")
    told = shop.does("rename Cart.add_item to put")
    assert "`one.add_item` in `use.py:2` may be of another class: `Box` has a `add_item` too" in told.summary
    assert shop.unchanged()


def test_a_stub_beside_the_module_is_renamed_with_it(shop: Shop) -> None:
    (shop.root / "shop" / "cart.pyi").write_text("def total(items: list[int], rate: int = ...) -> int: ...\n")
    assert shop.does("rename total to grand_total").kind is OutcomeKind.CHANGED
    assert shop.text("shop/cart.pyi").startswith("def grand_total(items")
    assert "def grand_total(items" in shop.text("shop/cart.py")


HUNK = (
    "@@ -12,3 +12,3 @@\n class Cart:\n     def __init__(self):\n"
    "-        self.items = ()\n+        self.items = []"
)


def spot(**more: Any) -> CommentedLines:
    return replace(CommentedLines(path="shop/cart.py", line=14, hunk=HUNK), **more)


def test_a_suggestion_is_put_in_as_written(shop: Shop) -> None:
    request = "please take this\n```suggestion\n        self.items = list()\n        self.n = 0\n```\n"
    told = shop.does(request, spot=spot())
    assert (told.kind, told.title) == (OutcomeKind.CHANGED, "Apply the suggestion to shop/cart.py:14")
    before = FILES["shop/cart.py"]
    expected = before.replace(
        "        self.items = []\n", "        self.items = list()\n        self.n = 0\n"
    )
    assert shop.text("shop/cart.py") == expected


def test_a_suggestion_for_several_lines_may_take_them_away(shop: Shop) -> None:
    told = shop.does("```suggestion\n```", spot=spot(start=13))
    assert told.kind is OutcomeKind.CHANGED
    assert "__init__" not in shop.text("shop/cart.py")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (None, "no line of code"),
        (spot(line=13), "have changed since"),
        (spot(line=99), "lines, and the suggestion"),
        (spot(path="../x.py"), "no file"),
        (spot(hunk="@@ -1 +0,0 @@\n-gone"), "removes"),
    ],
)
def test_a_suggestion_that_does_not_fit_is_refused(
    shop: Shop, place: CommentedLines | None, why: str
) -> None:
    told = shop.does("```suggestion\n        pass\n```", spot=place)
    assert told.kind is OutcomeKind.BLOCKED
    assert why in told.summary
    assert shop.unchanged()


def test_the_linters_own_fixes_are_applied(shop: Shop) -> None:
    (shop.root / "a.py").write_text("import os\nx = 1\n")
    command = f"{Path(sys.executable).parent}/ruff check --isolated --no-cache --output-format concise a.py"
    told = shop.does("@hob fix the lint", lint_command=command)
    assert told.kind is OutcomeKind.CHANGED
    assert shop.text("a.py") == "x = 1\n"
    assert shop.does("fix the lint", lint_command=command).kind is OutcomeKind.NOTHING
    (shop.root / "a.py").write_text("def f():\n    return y\n")
    assert "says the same as before" in shop.does("fix the lint", lint_command=command).summary


@pytest.mark.parametrize(
    ("lint", "why"),
    [
        ("", "names no `lint` command"),
        ("mypy .", "no way to let `mypy .` mend"),
        ("no/such/ruff .", "not there"),
    ],
)
def test_a_linter_that_cannot_mend_is_said(shop: Shop, lint: str, why: str) -> None:
    told = shop.does("fix the lint", lint_command=lint)
    assert told.kind is OutcomeKind.BLOCKED
    assert why in told.summary


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("Where is `total` defined?", "`shop/cart.py:6`"),
        ("Where is `total` and what does it take?", "`shop/cart.py:6`"),
        ("Where is `total` and what does it take?", "it takes"),
        ("What does `total` take?", "- `rate = RATE`"),
        ("What does Cart.add_item return?", "`total(self.items, rate=3)`"),
        ("What does `total` do?", "It says of itself: Sum up."),
        ("Where is add_item used?", "`test_shop.py:9`"),
        ("Who calls `Cart`?", "is used in 1 lines"),
    ],
)
def test_questions_that_can_be_read_out(shop: Shop, request_: str, said: str) -> None:
    told = shop.does(request_)
    assert told.kind is OutcomeKind.ANSWERED, told.summary
    assert said in told.summary
    assert shop.unchanged()


@pytest.mark.parametrize(
    "request_",
    ["Why does `total` take so long?", "Where is `nothing` defined?", "What is the meaning?"],
)
def test_other_questions_are_left_to_a_model(shop: Shop, request_: str) -> None:
    told = shop.does(request_)
    assert told.kind is OutcomeKind.BLOCKED
    assert "HOB_MODEL" in told.summary
    assert shop.unchanged()


def test_what_is_beyond_it_is_refused_before_anything_runs(shop: Shop) -> None:
    told = shop.does("add dark mode", test_command="touch ran; false")
    assert told.kind is OutcomeKind.BLOCKED
    assert "more than I can do" in told.summary
    assert shop.unchanged()
    assert not (shop.root / "ran").exists()
