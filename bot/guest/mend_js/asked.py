"""Which failing tests a request is about: those that it names, or whose words it has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..mend.request.asked import find_code_names, is_akin

_WORDS = re.compile(r"[^\W\d_]{3,}")
_SPLIT = re.compile(r"(?<=[a-z\d])(?=[A-Z])|_")
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]+")
_ORDINARY_TEXT = (
    "the and are but for has had have its not was were with from into that this then they when where "
    "which who why how what will would should could can cannot may must does done did all any only also "
    "just now never always some other each both same such one two get gets give gives take makes made "
    "say says see use uses call calls want like need comes out off too very more most much many new old "
    "our your you fix fixed fixes mend bug bugs broken fail fails failed failing failure error errors "
    "wrong please hob work works working test tests testing suite case issue report expected expect "
    "instead return returns result value values throws crash true false null undefined function method "
    "file line node javascript about after again because before still correct correctly typescript code "
    "there here than them"
)
_ORDINARY = frozenset(_ORDINARY_TEXT.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class JsRequest:
    """The request as the search sees it. ``scope``: all, report, symbols or named."""

    text: str
    scope: str = "all"


def choose_asked(failing: Iterable[str], request: JsRequest, output: str, root: Path) -> list[str]:
    """The failing tests that the request is about; with the scope ``all`` every one, but for named ones."""
    names = list(failing)
    named = [name for name in names if _is_named(name, request.text)]
    if named:
        return named
    if request.scope == "all":
        return names
    if request.scope == "named":
        return []
    code = find_code_names(request.text)
    by_code = [name for name in names if code & set(_IDENTIFIER.findall(_read_about(name, output, root)))]
    if by_code or request.scope == "symbols":
        return by_code
    words = _list_words(request.text)
    return [
        name
        for name in names
        if any(
            is_akin(one, two) for one in words for two in _list_words(f"{name} {_find_told(name, output)}")
        )
    ]


def _is_named(name: str, text: str) -> bool:
    title = name.rpartition(" > ")[2]
    return name in text or (len(title) >= 8 and " " in title and title in text)


def _read_about(name: str, output: str, root: Path) -> str:
    """A test's name, what the run printed of it, and its own text where its title can be found."""
    path, _, rest = name.partition(" > ")
    title = rest.rpartition(" > ")[2]
    said = f"{name} {_find_told(name, output)}"
    try:
        text = (root / path).read_text("utf-8")
    except (OSError, ValueError):
        return said
    at = text.find(title) if title else -1
    return f"{said} {text[at : at + 1500]}" if at >= 0 else said


def _find_told(name: str, output: str) -> str:
    title = name.rpartition(" > ")[2]
    at = output.rfind(title)
    return output[at : at + 600] if title and at >= 0 else ""


def _list_words(text: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(_SPLIT.sub(" ", text))} - _ORDINARY
