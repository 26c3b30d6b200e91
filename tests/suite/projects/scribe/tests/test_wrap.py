import pytest
from scribe.wrap import columns, dedent, indent, justify, wrap


def test_lines_are_filled():
    assert wrap("the quick brown fox jumps", 10) == "the quick\nbrown fox\njumps"


def test_a_line_may_be_full():
    assert wrap("abc de fghi", 6) == "abc de\nfghi"


def test_paragraphs_stay_apart():
    assert wrap("one\ntwo\n\nthree\n\n\n\nfour", 20) == "one two\n\nthree\n\nfour"


def test_long_words_are_cut():
    assert wrap("an extraordinary day", 6) == "an\nextra-\nordin-\nary\nday"
    assert all(len(line) <= 5 for line in wrap("abcdefghijklmnop qr", 5).splitlines())


def test_too_narrow():
    with pytest.raises(ValueError, match="two characters"):
        wrap("x", 1)


def test_indent():
    assert indent("a\n\nb", 2) == "  a\n\n  b"
    assert indent("a\nb", 2, first=0) == "a\n  b"


def test_dedent():
    assert dedent("    a\n\n      b\n  ") == "a\n\n  b\n"
    assert dedent("a\n  b") == "a\n  b"


def test_justify():
    assert justify("a b c", 8) == "a   b  c"
    assert justify("alone", 9) == "alone"
    assert justify("too long already", 5) == "too long already"
    assert len(justify("four words are here", 30)) == 30


def test_columns_are_read_downwards():
    assert columns(["a", "b", "c", "d", "e"], 8) == "a  c  e\nb  d"
    assert columns(["aa", "b"], 80) == "aa  b"
    assert columns([], 10) == ""


def test_one_column_when_nothing_else_fits():
    assert columns(["long item", "another"], 5) == "long item\nanother"


def test_a_row_may_be_full():
    assert columns(["ab", "cd"], 6) == "ab  cd"
