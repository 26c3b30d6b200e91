"""JSON for programs that live some milliseconds: ``json`` imports regular expressions, which takes longer
than all that such a program does.

What it reads and writes is the same. The scanner is the one that ``json`` itself uses in CPython; where an
interpreter has none, ``json`` is imported after all.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_SPACE = " \t\n\r"


# What the scanner asks of a decoder (https://github.com/python/cpython/blob/3.11/Lib/json/decoder.py).
_DECODER = type(
    "Decoder",
    (),
    {
        "strict": True,
        "object_hook": None,
        "object_pairs_hook": None,
        "parse_float": float,
        "parse_int": int,
        "parse_constant": _CONSTANTS.__getitem__,
    },
)


def load_json(text: str) -> Any:
    """The value that a text says. Raises ValueError where it says none."""
    scan = _find_scanner()
    if scan is None:
        import json

        return json.loads(text)
    text = text.strip(_SPACE)
    try:
        value, end = scan(text, 0)
    except StopIteration as missing:
        raise ValueError(f"no value at character {missing.value}") from None
    if end != len(text):
        raise ValueError(f"more than one value, at character {end}")
    return value


def dump_json(value: Any, *, ascii_only: bool = True) -> str:
    """A text that says ``value``: dictionaries with text as keys, lists, text, whole numbers, truth and None.

    As ``json.dumps`` writes it, with other characters than ASCII's as they are if ``ascii_only`` is False.
    Raises TypeError for anything else.
    """
    return _render(value, _find_quote(ascii_only))


def _render(value: Any, quote: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return quote(value)
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quote(key)}: {_render(each, quote)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_render(each, quote) for each in value]) + "]"
    raise TypeError(f"{type(value).__name__} is not written")


def _find_scanner() -> Callable[[str, int], tuple[Any, int]] | None:
    try:
        from _json import make_scanner
    except ImportError:
        return None
    scanner: Callable[[str, int], tuple[Any, int]] = make_scanner(_DECODER)  # type: ignore[arg-type]
    return scanner


def _find_quote(ascii_only: bool) -> Callable[[str], str]:
    try:
        from _json import encode_basestring, encode_basestring_ascii
    except ImportError:
        from json.encoder import encode_basestring, encode_basestring_ascii
    quote: Callable[[str], str] = encode_basestring_ascii if ascii_only else encode_basestring
    return quote
