import pytest
from scribe.words import counted, initials, listed, natural_key, plural, slug, title_case, unique


@pytest.mark.parametrize(
    ("text", "made"),
    [("Über uns & mehr!", "uber-uns-mehr"), ("--a--b--", "a-b"), ("", ""), ("C3PO", "c3po"), ("!?", "")],
)
def test_slugs(text, made):
    assert slug(text) == made


def test_slugs_are_cut_at_a_word():
    assert slug("one two three", 9) == "one-two"
    assert slug("one two three", 7) == "one-two"
    assert slug("extraordinary", 5) == "extra"


def test_unique():
    assert unique("a", set()) == "a"
    assert unique("a", {"a"}) == "a-2"
    assert unique("a", {"a", "a-2", "a-3"}) == "a-4"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("box", "boxes"),
        ("city", "cities"),
        ("day", "days"),
        ("child", "children"),
        ("church", "churches"),
        ("cat", "cats"),
    ],
)
def test_plurals(one, many):
    assert plural(one) == many
    assert plural(one, 1) == one


def test_counted():
    assert counted(0, "file") == "no files"
    assert counted(1, "file") == "1 file"
    assert counted(1200, "file") == "1,200 files"


def test_titles():
    assert title_case("the lord of the rings") == "The Lord of the Rings"
    assert title_case("what are you looking at") == "What Are You Looking At"
    assert title_case("my iPhone and I") == "My iPhone and I"


def test_natural_order():
    names = ["file10", "File9", "file1b", "alpha"]
    assert sorted(names, key=natural_key) == ["alpha", "file1b", "File9", "file10"]


def test_lists():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a and b"
    assert listed("abc", "or") == "a, b or c"


def test_initials():
    assert initials("Ada King of Lovelace") == "A. K. L."
    assert initials("jean-luc") == "J. L."
