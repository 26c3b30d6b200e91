import pytest
from stockroom.files import BadFile, cents, read, write


@pytest.mark.parametrize(
    ("text", "amount"), [("12.5", 1250), ("12,50", 1250), ("12", 1200), (" 0.05 ", 5), ("3.", 300)]
)
def test_prices(text, amount):
    assert cents(text) == amount


@pytest.mark.parametrize("text", ["", "x", "1.234", "-1", "1.x"])
def test_no_prices(text):
    with pytest.raises(ValueError, match="not a price"):
        cents(text)


def test_reading():
    stock = read("sku,name,price,group,count\nab 100, Bolt ,0.25,Metal,7\nWD-100,Board,12.50,,\n")
    assert stock.item("AB-100").name == "Bolt"
    assert stock.item("AB-100").group == "metal"
    assert stock.count("AB-100") == 7
    assert stock.item("WD-100").group == "other"
    assert stock.count("WD-100") == 0


def test_missing_columns():
    with pytest.raises(BadFile, match="line 1: no column name, price"):
        read("sku\nAB-100\n")


def test_an_empty_file():
    with pytest.raises(BadFile, match="line 1"):
        read("")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("AB-200,Nut,x,", "line 3: not a price"),
        ("nonsense,Nut,1,", "line 3: not a stock number"),
        ("AB-200,Nut,1,many", "line 3: invalid literal"),
        ("ab 100,Again,1,", "line 3: AB-100 stands there twice"),
    ],
)
def test_the_line_is_named(row, words):
    with pytest.raises(BadFile, match=words):
        read(f"sku,name,price,count\nAB-100,Bolt,1,\n{row}\n")


def test_there_and_back(stock):
    text = write(stock)
    assert text.splitlines()[:2] == ["sku,name,price,reorder,group,count", "AB-100,Bolt,0.25,50,metal,100"]
    assert write(read(text)) == text
