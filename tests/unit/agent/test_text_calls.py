"""Calls in a model's text, in the forms of the families of models; what only looks like one is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart

from bot.agent.models.text_calls import MOST_CALLS, read_text_calls
from bot.agent.models.thinking_text import split_thinking
from bot.agent.tools.registry import list_definitions
from tests.support import ROOT

TOOLS = list_definitions()
READ = ("read", {"path": "a b.py"})
CHECK: tuple[str, dict[str, Any]] = ("check", {})


def read(text: str, thinking: str = "") -> tuple[str, list[tuple[str, Any]]]:
    parts: list[Any] = [ThinkingPart(content=thinking)] if thinking else []
    answer = read_text_calls(split_thinking(ModelResponse(parts=[*parts, TextPart(content=text)])), TOOLS)
    said = "".join(part.content for part in answer.parts if isinstance(part, TextPart))
    return said, [(call.tool_name, call.args) for call in answer.tool_calls]


FORMS = {
    "hermes": '<tool_call>\n{"name": "read", "arguments": {"path": "a b.py"}}\n</tool_call>',
    "hermes without an end": '<tool_call>{"name": "read", "arguments": {"path": "a b.py"}}',
    "hermes with quoted arguments": (
        '<tool_call>{"name": "read", "arguments": "{\\"path\\": \\"a b.py\\"}"}</tool_call>'
    ),
    "hermes as Python": "<tool_call>\n{'name': 'read', 'arguments': {'path': 'a b.py'}}\n</tool_call>",
    "openai's shape": (
        '<tool_call>{"type": "function", "function": {"name": "read", "arguments": {"path": "a b.py"}}}'
        "</tool_call>"
    ),
    "granite": '<function_call>{"name": "read", "arguments": {"path": "a b.py"}}</function_call>',
    "llama 3": '<|python_tag|>{"name": "read", "parameters": {"path": "a b.py"}}<|eom_id|>',
    "llama 3.1": '<function=read>{"path": "a b.py"}</function>',
    "llama 3 without a mark": '{"name": "read", "parameters": {"path": "a b.py"}}',
    "llama 4": '[read(path="a b.py")]',
    "mistral": '[TOOL_CALLS] [{"name": "read", "arguments": {"path": "a b.py"}}]',
    "mistral 2025": '[TOOL_CALLS]read[ARGS]{"path": "a b.py"}',
    "mistral with an id": '[TOOL_CALLS]read[CALL_ID]abc123def[ARGS]{"path": "a b.py"}',
    "qwen3-coder": (
        "<tool_call>\n<function=read>\n<parameter=path>\na b.py\n</parameter>\n</function>\n</tool_call>"
    ),
    "glm": "<tool_call>read\n<arg_key>path</arg_key>\n<arg_value>a b.py</arg_value>\n</tool_call>",
    "minimax": (
        '<minimax:tool_call>\n<invoke name="read">\n<parameter name="path">a b.py</parameter>\n</invoke>\n'
        "</minimax:tool_call>"
    ),
    "deepseek": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>read\n```json\n"
        '{"path": "a b.py"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    ),
    "deepseek 3.1": (
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>read<｜tool▁sep｜>{"path": "a b.py"}<｜tool▁call▁end｜>'
        "<｜tool▁calls▁end｜>"
    ),
    "kimi": (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>"
        '{"path": "a b.py"}<|tool_call_end|><|tool_calls_section_end|>'
    ),
    "gpt-oss": (
        '<|channel|>commentary to=functions.read <|constrain|>json<|message|>{"path": "a b.py"}<|call|>'
    ),
    "fence": '```json\n{"name": "read", "arguments": {"path": "a b.py"}}\n```',
    "fence of its own": '```tool_call\n{"tool": "read", "args": {"path": "a b.py"}}\n```\n',
    "gemma": '```tool_code\nread(path="a b.py")\n```',
}


MORE_FORMS: dict[str, str] = json.loads((ROOT / "tests" / "data" / "text_calls.json").read_text("utf-8"))
UNMARKED = ("glm 4 old", "gemma tool_code print")


@pytest.mark.parametrize("form", MORE_FORMS)
def test_a_call_is_read_in_rarer_forms_and_with_small_mistakes(form: str) -> None:
    assert read(MORE_FORMS[form]) == ("", [READ])
    if form not in UNMARKED:
        assert read(f"I look first.\n\n{MORE_FORMS[form]}") == ("I look first.", [READ])
        assert read(f"{MORE_FORMS[form]}\n{MORE_FORMS[form]}") == ("", [READ, READ])
    with_call = MORE_FORMS[form].replace("read", "frobnicate")
    assert [name for name, _ in read(with_call)[1]] in ([], ["frobnicate"]), "never another tool"


def test_rarer_forms_carry_all_kinds_of_values() -> None:
    edit = {"path": "x.py", "old": "a, b: {c}", "new": "d\n", "all": True}
    gemma = (
        "<start_function_call>call:edit{path:<escape>x.py<escape>,old:<escape>a, b: {c}<escape>,"
        "new:<escape>d\n<escape>,all:true}<end_function_call>"
    )
    assert read(gemma) == ("", [("edit", edit)])
    assert read(gemma.replace("<escape>", '<|"|>')) == ("", [("edit", edit)])
    python = '<|python_tag|>[edit(path="x.py", old="a, b: {c}", new="d\\n", all=True), check()]'
    assert read(python) == ("", [("edit", edit), CHECK])
    assert read('<function_calls>\nread(path="a b.py")\ncheck()\n</function_calls>')[1] == [READ, CHECK]
    element = '<｜DSML｜parameter name="all" string="false">true</｜DSML｜parameter>'
    path = '<｜DSML｜parameter name="path">x</｜DSML｜parameter>'
    dsml = f'<｜DSML｜invoke name="edit">{path}{element}</｜DSML｜invoke>'
    assert read(dsml) == ("", [("edit", {"path": "x", "all": True})])
    assert read('Thought: hm\nAction: read\nAction Input: {"path": "a b.py"}')[1] == [READ]


def test_of_thousands_of_calls_some_are_read() -> None:
    for many in ('{"name": "check", "arguments": {}}\n', "check()\n"):
        assert len(read(f"<tool_call>{many * 5000}</tool_call>")[1]) == MOST_CALLS


@pytest.mark.parametrize("form", FORMS)
def test_a_call_is_read_in_each_form(form: str) -> None:
    assert read(FORMS[form]) == ("", [READ])


MARKED = [form for form in FORMS if form not in ("llama 3 without a mark", "llama 4")]


@pytest.mark.parametrize("form", MARKED)
def test_words_before_it_stay(form: str) -> None:
    assert read(f"<think>Hm.</think>I look first.\n\n{FORMS[form]}") == ("I look first.", [READ])


MARK_OF_ITS_OWN = [form for form in MARKED if not form.startswith(("fence", "gemma"))]


@pytest.mark.parametrize("form", MARK_OF_ITS_OWN)
def test_several_calls_and_calls_within_the_thinking(form: str) -> None:
    assert read(f"{FORMS[form]}\n{FORMS[form]}") == ("", [READ, READ])
    _, calls = read("", thinking=f"I should look. {FORMS[form]}")
    assert calls == [READ]


def test_several_objects_of_one_mark() -> None:
    two = '{"name": "read", "parameters": {"path": "a b.py"}}; {"name": "check", "parameters": {}}'
    assert read(f"<|python_tag|>{two}") == ("", [READ, CHECK])
    assert read(f"[TOOL_CALLS] [{two.replace(';', ',')}]") == ("", [READ, CHECK])
    assert read(two.replace(";", "\n")) == ("", [READ, CHECK])
    assert read('[read(path="a b.py"), check()]') == ("", [READ, CHECK])


def test_arguments_in_elements_have_the_types_of_the_schema() -> None:
    text = (
        "<function=edit><parameter=path>\nx.py\n</parameter><parameter=old>\n12\n</parameter>"
        "<parameter=new>\n  if a < b:\n      c()\n\n</parameter><parameter=all>True</parameter></function>"
    )
    given = {"path": "x.py", "old": "12", "new": "  if a < b:\n      c()\n", "all": True}
    assert read(text) == ("", [("edit", given)])
    steps = (
        '<invoke name="plan"><parameter name="steps">[{"text": "a", "state": "todo"}]</parameter></invoke>'
    )
    assert read(steps)[1] == [("plan", {"steps": [{"text": "a", "state": "todo"}]})]


def test_strings_may_hold_marks_brackets_and_line_breaks() -> None:
    text = '<tool_call>{"name": "write", "arguments": {"path": "a", "text": "}</tool_call>{\nb"}}</tool_call>'
    assert read(text) == ("", [("write", {"path": "a", "text": "}</tool_call>{\nb"})])


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "read", "arguments": {"path": </tool_call>',
        "[TOOL_CALLS]read[ARGS]{path: a",
        "<function=read>path is a</function>",
        '<|python_tag|>{"name": "read", "parameters": {"path"',
    ],
)
def test_a_call_that_cannot_be_read_is_one_all_the_same(text: str) -> None:
    """So the model is told what is wrong with it."""
    _, [(name, arguments)] = read(text)
    assert name == "read"
    assert isinstance(arguments, str)


@pytest.mark.parametrize(
    "text",
    [
        "I would call `read` with the path.",
        "The functools[0] of the list, and functools.reduce([{}]) too.",
        "Action: read the file\nAction Input: none",
        "The commentary to=functions is odd.",
        "shop\n{1: 2}",
        'The settings are:\n```json\n{"name": "shop", "version": "1.0"}\n```',
        'Then:\n```json\n{"name": "read", "arguments": {"file": "a"}}\n```',
        'First\n```json\n{"name": "read", "arguments": {"path": "a"}}\n```\nand so on.',
        "```python\nprint(total(prices=[1]))\n```",
        "```python\nread(open('x'))\n```",
        '{"name": "read"',
        "[1, 2]",
        "<tool_call>",
        "{" * 5000,
        "[" * 5000 + "]",
        "",
    ],
    ids=lambda text: text[:20],
)
def test_what_only_looks_so_is_left_alone(text: str) -> None:
    assert read(text) == (text, [])


@pytest.mark.parametrize(
    "text", ["<tool_call>{", '<invoke name="read">', "<think>", "<function=read>", "[TOOL_CALLS]["]
)
def test_long_repetitions_are_read_in_time(text: str) -> None:
    """A model that got stuck repeats itself up to its limit."""
    read(text * 2000)


def test_thinking_is_split_off_wherever_the_server_cut_it() -> None:
    for text in ("<think>\nhm\n</think>\n\nDone.", "hm</think>Done.", "\n<thinking>hm</thinking> Done."):
        parts = split_thinking(ModelResponse(parts=[TextPart(content=text)])).parts
        assert [(type(part), getattr(part, "content", "")) for part in parts] == [
            (ThinkingPart, "hm"),
            (TextPart, "Done."),
        ]
    for text in ("Write <think> tags.", "A `<think>x</think>` block.", "Done."):
        assert split_thinking(ModelResponse(parts=[TextPart(content=text)])).parts == [TextPart(content=text)]
