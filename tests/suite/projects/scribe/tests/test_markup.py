from scribe.markup import Heading, contents, headings, inline, to_html

TEXT = """\
# One

## Part a ##

```
# no heading
```

## Part a
#### Deep
"""


def test_headings():
    assert headings(TEXT) == [
        Heading(1, "One", "one"),
        Heading(2, "Part a", "part-a"),
        Heading(2, "Part a", "part-a-2"),
        Heading(4, "Deep", "deep"),
    ]


def test_contents():
    assert contents(TEXT) == "- [One](#one)\n  - [Part a](#part-a)\n  - [Part a](#part-a-2)"
    assert contents("### Only\n") == "- [Only](#only)"
    assert contents("") == ""


def test_emphasis():
    assert inline("a **bold** and *soft* word") == "a <strong>bold</strong> and <em>soft</em> word"


def test_what_is_html_is_escaped():
    assert inline("1 < 2 & 3") == "1 &lt; 2 &amp; 3"


def test_code_stays_as_it_is():
    assert inline("`a **b** <c>` *d* `e`") == "<code>a **b** &lt;c&gt;</code> <em>d</em> <code>e</code>"


def test_links():
    assert inline("see [here](http://x.org/a_b)") == 'see <a href="http://x.org/a_b">here</a>'


def test_links_that_would_run_something():
    assert inline("[x](JavaScript:alert)") == "x"


def test_blocks():
    text = "# Hi\nfirst\nline\n- one\n- *two*\nafter\n\n```\n<x>\n\ny\n```\nend"
    assert to_html(text).splitlines() == [
        "<h1>Hi</h1>",
        "<p>first line</p>",
        "<ul><li>one</li><li><em>two</em></li></ul>",
        "<p>after</p>",
        "<pre>&lt;x&gt;",
        "",
        "y</pre>",
        "<p>end</p>",
    ]


def test_a_list_at_the_end():
    assert to_html("- a\n* b") == "<ul><li>a</li><li>b</li></ul>"
