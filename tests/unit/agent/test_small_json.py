"""What the programs inside the sandbox read and write is what ``json`` reads and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bot
from bot.guest.small_json import dump_json, load_json

VALUES: list[Any] = [
    {"tests": {"a::ü": "passed"}, "exit": -1, "changed": ["x\n\"\\\x00\ud800\U0001f600"]},
    {"ok": True, "no": False, "nothing": None, "deep": [[], {}, [{"a": [1, 2]}]]},
    "text", 0, None, [],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_value_is_written_as_json_writes_it(value: object, ascii_only: bool) -> None:
    text = dump_json(value, ascii_only=ascii_only)
    assert text == json.dumps(value, ensure_ascii=ascii_only)
    assert load_json(f" {text}\n") == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", "1 2", "tru", '{"a":1}}', '{"a" 1}', "\v1", "\ufeff1"])
def test_what_json_refuses_is_refused(text: str) -> None:
    for read in (load_json, json.loads):
        with pytest.raises(ValueError):
            read(text)


@pytest.mark.parametrize("text", ["[1.5, 1e3, -0, -Infinity]", '{"a": {"a": "\\ud83d\\ude00"}, "b": []}'])
def test_what_json_reads_is_read(text: str) -> None:
    assert load_json(text) == json.loads(text)


def test_what_cannot_be_written_is_named() -> None:
    with pytest.raises(TypeError, match="float is not written"):
        dump_json({"a": [1.5]})


def test_an_interpreter_without_the_scanner_reads_and_writes_the_same() -> None:
    program = (
        "import sys; sys.modules['_json'] = None; from guest.small_json import dump_json, load_json; "
        "print(dump_json(load_json(sys.stdin.read())))"
    )
    start = f"import sys; sys.path.append({str(Path(bot.__file__).parent)!r}); {program}"
    text = json.dumps(VALUES[0])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == text


def test_the_short_programs_import_little() -> None:
    """Each call of a tool, and each check, waits for it."""
    here = str(Path(bot.__file__).parent)
    for module in ("files", "checks.supervise"):
        start = f"import sys; sys.path.append({here!r}); import guest.{module}; print(*sys.modules)"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", start], capture_output=True, text=True, check=True
        )
        slow = {"ctypes", "contextlib", "enum", "json", "pathlib", "re", "signal", "threading", "typing"}
        assert not slow & set(done.stdout.split())
