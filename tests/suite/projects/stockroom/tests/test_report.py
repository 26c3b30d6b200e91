import io

import pytest
from stockroom.__main__ import main
from stockroom.files import write
from stockroom.report import by_group, money, overview, table


def test_money():
    assert money(1234567) == "12,345.67"
    assert money(-5) == "-0.05"


def test_columns():
    assert table([("a", 5), ("long", 100)], ["x", "count"]).splitlines() == [
        "x     count",
        "----  -----",
        "a         5",
        "long    100",
    ]


def test_nothing_in_the_table():
    assert table([], ["x", "y"]) == "x  y\n-  -"
    assert table([(None, 1)], ["x", "y"]).splitlines()[-1] == "   1"


def test_groups(stock):
    assert by_group(stock) == [("metal", 2, 130, 2800), ("wood", 1, 8, 10000)]


def test_groups_need_not_lie_together(stock):
    from stockroom import Item

    stock.add_item(Item("ZZ-100", "Screw", 5, group="metal"))
    assert [row[:2] for row in by_group(stock)] == [("metal", 3), ("wood", 1)]


def test_overview(stock):
    lines = overview(stock).splitlines()
    assert lines[2] == "AB-100  Bolt     100"
    assert lines[3] == "AB-200  Nut       30  !"


@pytest.fixture
def shelf(stock, tmp_path):
    path = tmp_path / "shelf.csv"
    path.write_text(write(stock), encoding="utf-8")
    return path


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    return main([str(each) for each in arguments], out, err), out.getvalue(), err.getvalue()


def test_changes_are_written(shelf):
    assert run(shelf, "in", "wd 100", 2) == (0, "WD-100: 10\n", "")
    assert run(shelf, "out", "WD-100") == (0, "WD-100: 9\n", "")
    assert "WD-100,Board,12.50,2,wood,9" in shelf.read_text(encoding="utf-8")


def test_problems_are_one_line(shelf, tmp_path):
    assert run(shelf, "out", "WD-100", 9) == (1, "", "stockroom: only 8 of WD-100 are free\n")
    assert run(shelf, "in", "ZZ-999") == (1, "", "stockroom: no item ZZ-999\n")
    code, _, err = run(tmp_path / "none.csv", "list")
    assert code == 1
    assert err.startswith("stockroom: ")


def test_what_failed_changes_no_file(shelf):
    before = shelf.read_text(encoding="utf-8")
    run(shelf, "out", "WD-100", 9)
    assert shelf.read_text(encoding="utf-8") == before


def test_listing(shelf):
    code, out, _ = run(shelf, "groups")
    assert code == 0
    assert out.splitlines()[-1] == "wood       1       8  100.00"
