"""What is exported holds to the formats it is meant for, and is of good and bad attempts as they were."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from bot.errors import HobError
from bot.training.collect import Collected
from bot.training.example import Conversation, Preference, Source
from bot.training.licence import name_licence
from bot.training.messages import check_messages, list_tools, make_messages
from bot.training.write import choose_split, write_export
from tests.support import ROOT

SOURCE = Source(repo_id=1, repo="octo/app", licence="MIT", task=7)
STORED = [
    ModelRequest(parts=[SystemPromptPart(content="You are Hob."), UserPromptPart(content="fix it, s3cret")]),
    ModelResponse(
        parts=[
            ThinkingPart(content="hm"),
            TextPart(content="I look."),
            ToolCallPart(tool_name="shell", args={"command": "ls"}, tool_call_id="c1"),
        ]
    ),
    ModelRequest(parts=[ToolReturnPart(tool_name="shell", content="a.py s3cret", tool_call_id="c1")]),
    ModelResponse(parts=[ToolCallPart(tool_name="finish", args='{"kind": "changed"}', tool_call_id="c2")]),
    ModelRequest(parts=[ToolReturnPart(tool_name="finish", content="ok", tool_call_id="c2")]),
]


def made() -> tuple[Any, ...]:
    return make_messages(STORED, lambda text: text.replace("s3cret", "[redacted]"))


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_conversation_in_openais_format() -> None:
    messages = made()
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert messages[2]["tool_calls"][0]["function"] == {"name": "shell", "arguments": '{"command":"ls"}'}
    assert messages[-1] == {"role": "assistant", "content": 'finish({"kind":"changed"})'}
    assert "s3cret" not in str(messages) and "hm" not in str(messages)
    assert check_messages(messages) == ""
    assert make_messages([], str) == ()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda m: m[:3], "does not end with an answer"),
        (lambda m: m[:2], "does not end with an answer"),
        (lambda m: (), "does not end with an answer"),
        (lambda m: (*m[:3], m[4]), "before the results"),
        (lambda m: (*m[:2], m[3], m[4]), "the result of no call"),
        (lambda m: ({"role": "developer", "content": ""}, *m[1:]), "no role"),
        (lambda m: (*m[:4], {"role": "assistant", "content": ""}), "is empty"),
        (lambda m: (*m[:2], replace_call(m[2], arguments="{"), *m[3:]), "no JSON"),
        (lambda m: (*m[:2], replace_call(m[2], name="a tool"), *m[3:]), "no provider takes"),
    ],
)
def test_what_a_provider_would_refuse(change: Any, wrong: str) -> None:
    assert wrong in check_messages(change(made()))


def replace_call(message: Any, **function: str) -> Any:
    call = message["tool_calls"][0]
    return {**message, "tool_calls": [{**call, "function": {**call["function"], **function}}]}


def test_all_files_are_written_deduplicated_and_split_by_repository(tmp_path: Path) -> None:
    test = next(number for number in range(1, 500) if choose_split(number) == "test")
    train = next(number for number in range(1, 500) if choose_split(number) == "train")
    here, there = replace(SOURCE, repo_id=train), replace(SOURCE, repo_id=test, repo="octo/other", licence="")
    good = Conversation(source=here, messages=made(), good=True)
    other = replace(good, messages=(*made()[:-1], {"role": "assistant", "content": "No."}), good=False)
    pair = Preference(source=here, prompt=made()[:2], chosen="+a\n", rejected="+b\n", why="correction")
    found = Collected(
        conversations=[replace(good, good=False), good, good, other, replace(other, source=there)],
        preferences=[pair, pair, replace(pair, source=there, chosen="+c\n", why="attempts")],
        left_out={"its pull request is open": 2},
    )
    counts = write_export(found, tmp_path)
    assert counts["trl/unpaired-train.jsonl"] == 2 and counts["openai/sft-test.jsonl"] == 0
    assert counts["openai/preference-train.jsonl"] == counts["trl/preference-test.jsonl"] == 1
    [sft] = read(tmp_path / "openai/sft-train.jsonl")
    assert set(sft) == {"messages", "tools", "parallel_tool_calls"} and check_messages(sft["messages"]) == ""
    assert all(re.fullmatch(r"[\w-]{1,64}", tool["function"]["name"]) for tool in sft["tools"])
    [row] = read(tmp_path / "openai/preference-train.jsonl")
    assert set(row) == {"input", "preferred_output", "non_preferred_output"}
    assert [each["role"] for each in row["preferred_output"]] == ["assistant"]
    assert row["preferred_output"] != row["non_preferred_output"]
    rows = read(tmp_path / "trl/unpaired-train.jsonl")
    assert sorted(each["label"] for each in rows) == [False, True], "of doubles the good one stays"
    assert len({frozenset(message) for each in rows for message in each["completion"]}) == 1, "one type"
    [trl] = read(tmp_path / "trl/sft-train.jsonl")
    assert json.loads(trl["tools"]) == list_tools() and trl["licence"] == "MIT"
    card = (tmp_path / "README.md").read_text("utf-8")
    head = yaml.safe_load(card.split("---")[1])
    paths = [data["path"] for config in head["configs"] for data in config["data_files"]]
    assert all((tmp_path / path).stat().st_size for path in paths) and len(paths) == 4
    assert "trl/sft-test.jsonl" not in paths, "`datasets` fails on a split without examples"
    assert "| `octo/app` | MIT |" in card and "- 2: its pull request is open" in card
    with pytest.raises(HobError, match="not empty"):
        write_export(found, tmp_path)


def test_an_export_of_nothing_is_an_export(tmp_path: Path) -> None:
    assert set(write_export(Collected(), tmp_path / "new").values()) == {0}
    card = (tmp_path / "new/README.md").read_text("utf-8")
    assert yaml.safe_load(card.split("---")[1])["configs"] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ((ROOT / "LICENSE").read_text("utf-8"), "Apache-2.0"),
        ("Permission is hereby granted, free of charge, to any person ... without restriction ...", "MIT"),
        ("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0"),
        ("All rights reserved.", "other"),
    ],
)
def test_a_licence_is_named(text: str, name: str) -> None:
    assert name_licence(text) == name
