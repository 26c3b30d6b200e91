"""The documentation as a site: ``make docs`` builds it with Sphinx, and takes every warning for an error.

The pages are the files of this folder as they stand. Links that leave the folder lead nowhere on a site, so
their words alone are left; settings and keys of hob.yml are listed whole, from the models that read them.
https://www.sphinx-doc.org/en/master/usage/configuration.html
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot.repo_config import RepoConfig
from bot.settings import Settings

project = "Hob"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
html_theme = "furo"
html_title = "Hob"
html_show_sphinx = False
html_show_copyright = False

mermaid_fullscreen = False  # its button is a letter that many fonts lack
_STATIC = Path(__file__).parent.parent / "build" / "static"
if (_STATIC / "mermaid" / "mermaid.esm.min.mjs").exists():  # made by .ci/mermaid
    html_static_path = [str(_STATIC)]
    mermaid_use_local = "mermaid/mermaid.esm.min.mjs"

_LEAVES = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", prepare_page)


def prepare_page(_: Sphinx, name: str, source: list[str]) -> None:
    """A page's text as the site has it."""
    text = _LEAVES.sub(r"\1", source[0])
    if name == "settings":
        text += _render_table("Every setting", "variable", _list_settings())
    elif name == "repository":
        text += _render_table("Every key", "key", _list_keys(RepoConfig))
    source[0] = text


def _list_settings() -> Iterator[tuple[str, str, str]]:
    for field in Settings.model_fields.values():
        yield str(field.validation_alias), _render_type(field), _render_default(field)


def _list_keys(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _list_keys(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", field.description or _render_type(field), _render_default(field)


def _render_type(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(map(str, get_args(field.annotation)))
    bounds = [
        re.sub(r"\(|\)", " ", str(each)).strip() for each in field.metadata if hasattr(each, "__dict__")
    ]
    kind = getattr(field.annotation, "__name__", None) or str(field.annotation).replace("typing.", "")
    words = " ".join([str(kind), *(each for each in bounds if each.startswith(("Ge", "Le", "Gt", "Lt")))])
    return re.sub(r"\b(?:pydantic\.types|pathlib|bot\.\w+)\.", "", words)


def _render_default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "computed" if field.annotation is Path else ""
    default: Any = field.default
    return "" if default in (None, PydanticUndefined, "") else str(default)


def _render_table(title: str, first: str, rows: Iterator[tuple[str, str, str]]) -> str:
    lines = [
        f"| `{name}` | {about.replace('|', 'or')} | {f'`{value}`' if value else ''} |"
        for name, about, value in rows
    ]
    return "\n".join(
        [f"\n\n## {title}\n", f"| {first} | what it is | default |", "|---|---|---|", *lines, ""]
    )
