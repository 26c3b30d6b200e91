"""Names that a package does not give, and texts of which a test knows a part."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.guest.mend.baseline import Baseline
from bot.guest.mend.forkserver.client import TestRun
from bot.guest.mend.localise import Findings
from bot.guest.mend.places.exports import propose_exports
from bot.guest.mend.source import apply_edits
from tests.unit.offline.test_mend import search

pytestmark = pytest.mark.timeout(250)

CART = "class Cart:\n    size = 0\n\n\nclass Line:\n    size = 1\n\n\nclass Order:\n    size = 2\n"
OTHER = "import shop\n\n\ndef test_cart():\n    assert shop.Cart().size == 0\n"
BY_NAME = "from shop import Cart, Order\n\n\ndef test_order():\n    assert Order().size == 2\n"
BY_MODULE = "import shop\n\n\ndef test_order():\n    assert shop.Order().size == 2\n"


def mend_shop(folder: Path, init: str, test: str) -> str:
    (folder / "shop").mkdir()
    (folder / "tests").mkdir()
    (folder / "shop" / "__init__.py").write_text(init)
    (folder / "shop" / "cart.py").write_text(CART)
    (folder / "tests" / "test_cart.py").write_text(OTHER)
    (folder / "tests" / "test_order.py").write_text(test)
    told = search(folder, "--hint", "Order cannot be taken from shop", "--scope", "report")
    assert told["outcome"] == "mended", told
    for edit in told["edits"]:
        assert init.count(edit["old"]) == 1
        init = init.replace(edit["old"], edit["new"])
    return init


@pytest.mark.parametrize("test", [BY_NAME, BY_MODULE])
def test_a_name_that_the_package_lacks_is_imported_as_its_neighbours_are(test: str, tmp_path: Path) -> None:
    mended = mend_shop(tmp_path, "from .cart import Cart\n", test)
    assert mended == "from .cart import Cart, Order\n"


def test_it_comes_into_all_and_on_a_line_of_its_own(tmp_path: Path) -> None:
    init = 'from shop.cart import (\n    Cart,\n    Line,\n)\n\n__all__ = ["Cart", "Line"]\n'
    mended = mend_shop(tmp_path, init, BY_NAME)
    assert mended == (
        "from shop.cart import (\n    Cart,\n    Line,\n    Order,\n)\n\n"
        '__all__ = ["Cart", "Line", "Order"]\n'
    )


@pytest.mark.parametrize(
    ("init", "mended"),
    [
        ('"""A shop."""\n', '"""A shop."""\nfrom .cart import Order\n'),
        ("from .cart import *\n", "from .cart import *\nfrom .cart import Order\n"),
        (
            "from __future__ import annotations\n",
            "from __future__ import annotations\nfrom .cart import Order\n",
        ),
    ],
)
def test_the_import_stands_where_it_breaks_nothing(init: str, mended: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text(init)
    (tmp_path / "shop" / "cart.py").write_text(CART)
    failure = {"text": "cannot import name 'Order' from 'shop'"}
    base = Baseline(failing=[TestRun(id="test_shop.py::test_it", outcome="failed", failure=failure)])
    (made,) = propose_exports(Findings(), base, tmp_path)
    assert apply_edits(init, made.edits) == mended


def test_a_name_that_nothing_defines_is_not_made_up(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from .cart import Cart\n")
    (tmp_path / "shop" / "cart.py").write_text(CART)
    (tmp_path / "test_shop.py").write_text(
        "from shop import Basket\n\n\ndef test_it():\n    assert Basket()\n"
    )
    told = search(tmp_path, "--hint", "Basket cannot be taken from shop", "--scope", "report")
    assert "edits" not in told
    assert told["outcome"] == "cannot_run"


MATCH = """\
import pytest
import m


def test_a():
    with pytest.raises(ValueError, match={0!r}):
        m.f([])
"""
PART = "import m\n\n\ndef test_a():\n    assert {0!r} in m.f([])\n"
CASE = """\
import unittest
import m


class Test(unittest.TestCase):
    def test_a(self):
        with self.assertRaisesRegex(ValueError, {0!r}):
            m.f([])
"""
RAISES = """\
def f(a):
    if not a:
        raise ValueError('need at least one clause for {}'.format('And'))
    return a
"""
GIVES = RAISES.replace("raise ValueError(", "return (")


@pytest.mark.parametrize(("code", "test"), [(RAISES, MATCH), (RAISES, CASE), (GIVES, PART)])
def test_a_text_of_which_a_test_knows_a_part_gets_its_words(code: str, test: str, tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(code)
    (tmp_path / "test_m.py").write_text(test.format("at least one operand"))
    told = search(tmp_path)
    assert told["outcome"] == "mended", told
    assert "'need at least one operand for {}'" in told["edits"][0]["new"]
