from types import SimpleNamespace

import pytest
from scribe.template import Template, TemplateError


def render(text, **values):
    return Template(text).render(**values)


def test_values():
    assert render("Hello {{ name }}!", name="Ann") == "Hello Ann!"
    assert render("{{a}}{{ b }}", a=1, b=2) == "12"


def test_values_are_escaped():
    assert render("{{ x }}", x="<b> & 'c'") == "&lt;b&gt; &amp; &#x27;c&#x27;"
    assert render("{{ x|raw }}", x="<b>") == "<b>"


def test_filters():
    assert render("{{ x|upper }}", x="abc") == "ABC"
    assert render("{{ x|join|upper }}", x=["a", "b"]) == "A, B"
    assert render("{{ x|count }}", x=[1, 2, 3]) == "3"
    assert Template("{{ x|twice }}", {"twice": lambda x: x * 2}).render(x=4) == "8"


def test_filters_of_one_template_are_its_own():
    Template("x", {"mine": str})
    with pytest.raises(TemplateError, match="no filter is called mine"):
        Template("{{ x|mine }}")


def test_nothing_and_zero():
    assert render("[{{ x }}]", x=None) == "[]"
    assert render("[{{ x }}]", x=0) == "[0]"


def test_parts():
    assert render("{{ a.b.c }}", a={"b": SimpleNamespace(c=5)}) == "5"
    with pytest.raises(KeyError, match=r"a\.b"):
        render("{{ a.b }}", a={})
    with pytest.raises(KeyError, match=r"a\.b"):
        render("{{ a.b }}", a=SimpleNamespace())
    with pytest.raises(KeyError):
        render("{{ missing }}")


def test_loops():
    assert render("{% for x in items %}<{{ x }}>{% end %}", items=[1, 2]) == "<1><2>"
    assert render("{% for x in items %}{{ x }}{% end %}", items=[]) == ""


def test_loops_in_loops():
    text = "{% for row in rows %}{% for x in row %}{{ x }}{% end %};{% end %}"
    assert render(text, rows=[[1, 2], [3]]) == "12;3;"


def test_a_loop_leaves_the_outer_name_alone():
    assert render("{% for x in items %}{{ x }}{% end %}{{ x }}", items=[1, 2], x="o") == "12o"


def test_choices():
    text = "{% if a %}yes{% else %}no{% end %}"
    assert render(text, a=1) == "yes"
    assert render(text, a=[]) == "no"
    assert render("{% if not a %}none{% end %}", a="") == "none"
    assert render("{% if not a %}none{% end %}", a="x") == ""


def test_rendering_twice():
    template = Template("{% for x in items %}{{ x }}{% end %}")
    assert template.render(items="ab") == "ab"
    assert template.render(items="cd") == "cd"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% if a %}", "no end"),
        ("{% end %}", "no beginning"),
        ("{% for x in y %}{% else %}{% end %}", "not expected"),
        ("{% while x %}", "no tag"),
    ],
)
def test_what_is_wrong(text, words):
    with pytest.raises(TemplateError, match=words):
        Template(text)
