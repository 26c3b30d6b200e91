"""What GitHub does not render never reaches the agent as text: held against cmark-gfm itself."""

from __future__ import annotations

import os
import re

import pytest
from cmarkgfm.cmark import Options, markdown_to_html_with_extensions
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.text.invisible import remove_invisible_text
from bot.text.unseen.unrendered import remove_unrendered_text

EXAMPLES = int(os.environ.get("HOB_FUZZ_EXAMPLES", "100"))
OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
# WORD becomes one of its own wherever it stands
PIECES = (
    *("WORD", "WORD WORD", "[^a]: WORD", "[^b]: WORD\nWORD", "[^a]", "[^B]", "`[^a]`", "- WORD", "# WORD"),
    *("[^a]: WORD\n\n    WORD\n", "> [^a]: WORD", "- [^b]: WORD", "[^c]: WORD\n# WORD", "[^c]:\n    WORD"),
    *("| WORD | WORD |\n|---|---|\n| WORD | WORD | WORD |", "| WORD | WORD |", "|---|", "\\[^a]", "> WORD"),
    *("a | b\n-|-\nWORD | x | WORD", "```py WORD\nWORD\n```", "~~~ py WORD\nWORD\n~~~", "```", "    WORD"),
    *("[](https://x 'WORD')", "[^a]: [^a] WORD", "1. WORD", "2. WORD", "***", "[^a]: WORD | WORD\n-|-"),
    *("[^a]: x\n\n    ```py WORD\n    WORD\n    ```", "[^a]: ```py WORD\n    WORD\n    ```", "        WORD"),
    *("    | WORD |\n    |---|\n    | WORD | WORD |", "    [](https://x 'WORD')", "<!-- WORD -->", "\tWORD"),
    *("    <b title='WORD'>WORD</b>", "[^c]:", "[^c]", "[^c]: - [^a]: WORD", "> [^c]: WORD"),
    *("> | WORD |\n> |---|\n> | WORD | WORD |", "- | WORD |\n  |-|\n  | WORD | WORD |"),
    *("> ```py WORD\n> WORD\n> ```", "1. > a | b\n   > -|-\n   > WORD | x | WORD", "<details>\n\nWORD"),
)
TEXTS = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["\n", "\n\n", " "])), max_size=8)


def _number_words(pieces: list[tuple[str, str]]) -> str:
    text = "".join(piece + gap for piece, gap in pieces)
    parts = text.split("WORD")
    return "".join(f"{part}word{at}q" for at, part in enumerate(parts[:-1])) + parts[-1]


def _read_page(text: str) -> str:
    html = markdown_to_html_with_extensions(text, OPTIONS, EXTENSIONS)
    return re.sub(r"<[^>]*>", " ", html)


@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 2000,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(TEXTS)
@example([("[^a]: WORD", "\n"), ("[^a]", "\n")])
@example([("```py WORD\nWORD\n```", "\n")])
@example([("[^a]", "\n"), ("[^a]: WORD", "\n\n"), ("    WORD", " "), ("[](https://x 'WORD')", "\n")])
@example([("> | WORD |\n> |---|\n> | WORD | WORD |", "\n")])
@example([("[^a]", "\n\n"), ("[^a]: x\n\n    ```py WORD\n    WORD\n    ```", "\n")])
def test_what_is_on_no_page_is_taken_out_and_named(pieces: list[tuple[str, str]]) -> None:
    text = _number_words(pieces)
    page = _read_page(text)
    kept, removed = remove_invisible_text(text)
    for word in re.findall(r"word[0-9]+q", text):
        is_language = re.search(rf"(?:`{{3}}|~{{3}})[ \t]*{word}", text)  # one word, which names no deed
        if word not in page and not is_language:
            assert word not in kept, (text, kept)
            assert word in "\n".join(removed)


@pytest.mark.parametrize(
    "text",
    [
        "x[^1]\n\n[^1]: shown\n    and this\n",
        "| a | b |\n|---|---|\n| `x \\| y` | 2 |\n| 3 |",
        "```python\n[^1]: code\n| a | b | c |\n```",
        "```c++\nx\n```",
        "see [^not] a footnote",
        "a | b\n-|-\n1 | 2",
        "the price is $5 and $6",
        "$x^2 + \\frac{a}{b}$ and $$\\sum_{i=0}^n i$$",
        "```mermaid\ngraph TD\nA[read] -->|then| B[write]\nA --- C\n```",
        "5% of $10, 6% of $12",
    ],
)
def test_what_is_shown_stays(text: str) -> None:
    assert remove_unrendered_text(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "kept", "named"),
    [
        ("a $\\phantom{obey {x} me}$ b", "a $$ b", "$\\phantom{obey {x} me}$"),
        *(
            (f"a ${formula}$ b", "a $$ b", f"${formula}$")
            for formula in (
                r"\color{white}{\text{obey me}}",
                r"\textcolor{#fff}{obey}",
                r"\rlap{obey}x",
                r"\def\x{obey}",
                r"\phantom\text{obey}",
                "x % obey me",
                r"\label{obey}x",
            )
        ),
        ("$$\nx % obey me\n$$", "$$", "$$\nx % obey me\n$$"),
        ("```math\n\\color{white}{obey}\n```", "$$", "```math\n\\color{white}{obey}\n```"),
        ("```mermaid\ngraph TD\n%% obey me\nA-->B\n```", "```mermaid\n```", "graph TD\n%% obey me\nA-->B"),
        ('```geojson\n{"x": "obey"}\n```', "```geojson\n```", '{"x": "obey"}'),
        ("[\u2800&nbsp;](https://x.example/obey)", "", "[\u2800&nbsp;](https://x.example/obey)"),
        ("a [](https://x.example 'obey') b", "a  b", "[](https://x.example 'obey')"),
        ("``` {.py title='obey me'}\nx\n```", "```\nx\n```", "{.py title='obey me'}"),
        (f"a\n\n[^{'b' * 600}]: obey\n", "a\n\n", f"[^{'b' * 40}]: obey"),
        (
            "a[^b]\n\n[^b]: c\n\n    ```py obey me\n    ```",
            "a[^b]\n\n[^b]: c\n\n    ```py\n    ```",
            "obey me",
        ),
    ],
)
def test_what_else_is_hidden_is_taken_out_too(text: str, kept: str, named: str) -> None:
    assert remove_invisible_text(text) == (kept, (named,))
