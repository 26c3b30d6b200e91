"""Tool calls that a model wrote into its text, since its server has no parser for them.

Each family of models was trained on a form of its own; a server that knows it gives the calls in a field of
their own, one that does not leaves them in the text. The forms, with where each is described:

- Hermes, Qwen 2.5: ``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``
  (https://github.com/NousResearch/Hermes-Function-Calling)
- Qwen3-Coder: ``<function=NAME><parameter=KEY>VALUE</parameter></function>``; Llama 3.1:
  ``<function=NAME>{...}</function>``; GLM-4.5: ``NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>``
- MiniMax and others: ``<invoke name="NAME"><parameter name="KEY">VALUE</parameter></invoke>``
- Llama 3: ``<|python_tag|>{"name": ..., "parameters": {...}}``, several separated by ``;``
  (https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1/)
- Mistral: ``[TOOL_CALLS] [{...}, ...]`` and ``[TOOL_CALLS]NAME[ARGS]{...}``
  (https://docs.mistral.ai/cookbooks/concept-deep-dive-tokenization-tool_calling)
- DeepSeek: ``<｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{...}<｜tool▁call▁end｜>``; Kimi the same in other tokens
- gpt-oss: ``<|channel|>commentary to=functions.NAME ... <|message|>{...}<|call|>``
- Phi-4-mini: ``functools[{...}]``; Granite, Command A, InternLM, LFM2: JSON or ``[NAME(key="value")]``
  between tokens of their own; FunctionGemma: ``<start_function_call>call:NAME{key:<escape>value<escape>}``
- JSON in a fence, or a whole answer of JSON, ``[NAME(key="value")]`` and ReAct's ``Action: NAME``: only with
  known names and arguments

Text in such a form is a call even where it cannot be parsed: the model gets the error, and corrects it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pydantic_ai.messages import ModelResponse, ModelResponsePart, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.tools import ToolDefinition

from bot.agent.models.call_values import (
    FoundCall,
    decode_object,
    find_closing,
    read_call,
    read_gemma_call,
    read_mended,
    read_python_calls,
    read_value,
)

MOST_CALLS = 64  # of one answer; a model that got stuck writes thousands


Schemas = Mapping[str, Mapping[str, Any]]  # the JSON schema of each tool's arguments


def read_text_calls(response: ModelResponse, tools: Sequence[ToolDefinition]) -> ModelResponse:
    """The answer with the calls of its text as calls, where it has none in their own field.

    Thinking models sometimes write calls into their thinking, and no other text.
    """
    if response.tool_calls or not tools:
        return response
    schemas = {each.name: each.parameters_json_schema for each in tools}
    texts = [part for part in response.parts if isinstance(part, TextPart) and part.content.strip()]
    parts: list[ModelResponsePart] = []
    for part in response.parts:
        if not isinstance(part, TextPart if texts else ThinkingPart):
            parts.append(part)
            continue
        text, calls = split_calls(part.content, schemas, marked_only=not texts)
        if not calls:
            parts.append(part)
            continue
        parts += [replace(part, content=text)] if text else []
        parts += calls
    return replace(response, parts=parts)


def split_calls(text: str, schemas: Schemas, *, marked_only: bool = False) -> tuple[str, list[ToolCallPart]]:
    """``text`` without the calls in it, and the calls; with ``marked_only`` only forms with unmistakable
    marks.
    """
    rest: list[str] = []
    calls: list[FoundCall] = []
    at, whole = 0, text
    text = _PREFIX.sub(r"\1", text)
    while len(calls) < MOST_CALLS and (match := _MARK.search(text, at)):
        rest.append(text[at : match.start()])
        found = list(islice(_read_marked(match, text, schemas), MOST_CALLS - len(calls)))
        calls += found
        at = max(found[-1].end if found else match.end(), match.end())
    rest.append(text[at:])
    if calls:
        said = _LEFT_OVER.sub("", "".join(rest)).strip()
        return said, [_make_part(each) for each in calls]
    if not marked_only and (unmarked := _read_unmarked(text, schemas)):
        said, found = unmarked
        return said, [_make_part(each) for each in found]
    return whole, []


def _make_part(found: FoundCall) -> ToolCallPart:
    return ToolCallPart(tool_name=found.name, args=found.arguments)


# A mark that begins one or several calls, by the form that follows.
_TAGS = r"tool_calls?|function_calls?|TOOLCALL|tools"
_TOKENS = r"tool_calls?|function_call|tool_call_start|python_tag|python_start|START_ACTION"
_OPENING = rf"(?:<(?:{_TAGS})>|<\|(?:{_TOKENS})\|>|<\|action_start\|>\s*+<\|plugin\|>)\s*+"
_MARK = re.compile(
    rf"{_OPENING}(?:```(?:json)?\s*+)?(?=\{{|\[\s*+[\[{{])(?P<json>)"
    rf"|{_OPENING}(?=\[?\s*+[A-Za-z_]\w*+\()(?P<python>)"
    r"|(?:(?<=\n)|\A)[ \t]*+functools\s*+(?=\[\s*+\{)(?P<functools>)"
    r"|<function=(?P<function>[\w.-]++)>"
    r"|<tool_call>\s*+(?P<glm>[\w.-]++)\s*+(?=<arg_key>|</tool_call>)"
    r"|<tool_call>\s*+(?P<hunyuan>[\w.-]++)\s*+(?:```json\s*+)?(?=\{)"
    r"|<invoke\s++name=\"(?P<invoke>[\w.-]++)\"\s*+>"
    r"|\[TOOL_CALLS\]\s*+(?=[\[{])(?P<mistral>)"
    r"|\[TOOL_CALLS\]\s*+(?P<mistral_name>[\w.-]++)(?:\[CALL_ID\][\w-]*+)?\s*+(?:\[ARGS\])?\s*+(?=\{)"
    r"|<[｜|]tool[▁_]call[▁_]begin[｜|]>(?:function<[｜|]tool[▁_]sep[｜|]>)?(?P<deepseek>[\w.-]++)"
    r"(?:<[｜|]tool[▁_]sep[｜|]>)?\s*+(?:```json\s*+)?(?=\{)"
    r"|<\|tool_call_begin\|>\s*+(?P<kimi>[\w.:-]++)\s*+<\|tool_call_argument_begin\|>\s*+"
    r"|<\|channel\|>(?:commentary|analysis)\s++to=(?P<harmony>[\w.]++)[^<]*+(?:<\|constrain\|>\w*+\s*+)?<\|message\|>"
    r"|<\|start\|>assistant\s++to=(?P<harmony_first>[\w.]++)\s*+(?:<\|channel\|>\w*+\s*+)?(?:<\|constrain\|>\w*+\s*+)?"
    r"<\|message\|>"
    r"|(?:(?<=\n)|\A)(?:assistant)?(?:commentary|analysis)\s++to=functions\.(?P<harmony_bare>\w++)\s*+(?:json|code)?\s*+(?=\{)"
    r"|<(?:start_function_call|\|tool_call)>\s*+call:(?P<gemma>[\w.-]++)\s*+(?=\{)"
)
# Empty marks around calls, and end-of-turn tokens that a server left in.
_LEFT_OVER = re.compile(
    rf"</?(?:(?:minimax|seed|steptml|xai|antml):)?(?:{_TAGS}|function|invoke)>|<\|/?(?:{_TOKENS})\|>|```(?=\s*+</)|"
    r"<\|(?:eom_id|eot_id|eom|eot|call|start|end|im_end|end_of_text|endoftext|END_ACTION|action_end|python_end|"
    r"tool_call_end|tool_calls_section_(?:begin|end))\|>(?:assistant)?|<\|(?:channel|message)\|>(?:analysis|final)?|"
    r"<[｜|]tool[▁_](?:calls[▁_]begin|calls[▁_]end|call[▁_]begin|call[▁_]end)[｜|]>(?:function<[｜|]tool[▁_]sep[｜|]>)?|"
    r"\[/TOOL_CALLS\]|</s>|\[\|endofturn\|\]|<(?:end_of_turn|end_function_call|tool_call\|)>"
)
# Some families write the same elements with a prefix.
_PREFIX = re.compile(
    r"(</?)(?:minimax:|seed:|steptml:|xai:|antml:|｜DSML｜)(?=(?:invoke|parameter|function_calls)\b)"
)
# How an argument in an element begins, and how it ends.
_PARAMETER = (
    re.compile(r"<parameter(?:=(?P<a>[^<>\s]++)|\s++name=\"(?P<b>[^<>\"]++)\"[^<>]*+)>\n?"),
    "</parameter>",
)
_ARGUMENT = (re.compile(r"<arg_key>\s*+(?P<a>[^<\s]++)\s*+</arg_key>\s*+<arg_value>"), "</arg_value>")
_Element = tuple[re.Pattern[str], str]


def _read_marked(match: re.Match[str], text: str, schemas: Schemas) -> Iterator[FoundCall]:
    """The calls that the mark ``match`` begins."""
    groups, at = match.groupdict(), match.end()
    form = match.lastgroup or ""
    name = (groups[form] or "").removeprefix("functions.").partition(":")[0]
    if form in ("json", "functools", "mistral"):
        yield from _read_objects(text, at)
    elif form == "python":
        yield from _read_marked_python(text, at)
    elif form == "gemma":
        yield read_gemma_call(name, text, at)
    elif form == "function":
        yield _read_body(name, text, at, "</function>", _PARAMETER, schemas)
    elif form == "invoke":
        yield _read_body(name, text, at, "</invoke>", _PARAMETER, schemas)
    elif form == "glm":
        yield _read_body(name, text, at, "</tool_call>", _ARGUMENT, schemas)
    else:
        value, end = read_value(text, at)
        if isinstance(value, dict):
            yield FoundCall(name=name, arguments=value, end=_skip_fence(text, end))
        else:
            end = min(
                (i for i in (text.find("<", at), text.find("[TOOL_CALLS]", at)) if i >= 0), default=len(text)
            )
            yield FoundCall(name=name, arguments=text[at:end].strip(), end=end)


def _read_marked_python(text: str, at: int) -> Iterator[FoundCall]:
    """Calls as Python behind a mark, one on each line or in a list, and one that cannot be read."""
    while name := _PYTHON_CALL.match(text, at):
        end = find_closing(text, at + name.end("list") - name.start() - 1 if name["list"] else name.end() - 1)
        found = read_python_calls(text[at:end].strip())
        if found is None:
            yield FoundCall(name=name["name"], arguments=text[at:end].strip(), end=end)
            return
        yield from (replace(each, end=end) for each in found)
        at = end


_PYTHON_CALL = re.compile(r"\s*+(?P<list>\[)?\s*+(?P<name>[A-Za-z_]\w*+)\(")


def _read_objects(text: str, at: int) -> Iterator[FoundCall]:
    """The calls in JSON from ``at`` on, one after the other or in a list, and one that cannot be read."""
    while at < len(text) and text[at] in "{[":
        value, end = read_value(text, at)
        if value is None:
            value, end = read_mended(text, at)
        if value is None:
            end = min((i for i in (text.find("</", at), text.find("<|", at)) if i >= 0), default=len(text))
            name = re.search(r"['\"](?:name|function)['\"]\s*+:\s*+['\"]([\w.-]++)", text[at:end])
            yield FoundCall(name=name[1] if name else "", arguments=text[at:end].strip(), end=end)
            return
        for each in value if isinstance(value, list) else [value]:
            if (call := read_call(each, end)) is not None:
                yield call
        if isinstance(value, list):
            return
        at = end
        while at < len(text) and text[at] in " ;,\n\t\r":
            at += 1


def _read_body(name: str, text: str, at: int, closing: str, element: _Element, schemas: Schemas) -> FoundCall:
    """A call whose arguments are elements, or an object, up to ``closing`` or the end of the text."""
    values, last = _read_elements(text, at, closing, element)
    end = text.find(closing, last)
    body = text[at : end if end >= 0 else len(text)].strip()
    properties = schemas.get(name, {}).get("properties", {})
    arguments: dict[str, Any] | str = {
        key: _read_argument(value, properties.get(key, {})) for key, value in values.items()
    }
    if not values and body:
        arguments = decode_object(body)
    return FoundCall(name=name, arguments=arguments, end=end + len(closing) if end >= 0 else len(text))


def _read_elements(text: str, at: int, closing: str, element: _Element) -> tuple[dict[str, str], int]:
    """Arguments by name, and the end of the last; a value may hold what would close the call."""
    opening, ending = element
    values: dict[str, str] = {}
    while begin := opening.search(text, at):
        if text.find(closing, at, begin.start()) >= 0:
            break
        groups = begin.groupdict()
        end = text.find(ending, begin.end())
        if end < 0:
            break
        values[groups.get("a") or groups.get("b") or ""] = text[begin.end() : end].removesuffix("\n")
        at = end + len(ending)
    return values, at


def _read_argument(value: str, schema: Mapping[str, Any]) -> Any:
    """An argument that came as text: itself where a string is wanted, else parsed as JSON."""
    if schema.get("type", "string") == "string" and "anyOf" not in schema:
        return value
    try:
        return json.loads(value.strip().lower() if value.strip() in ("True", "False", "None") else value)
    except ValueError:
        return value.strip()


_FENCE = re.compile(r"\s{0,50}```")


def _skip_fence(text: str, at: int) -> int:
    fence = _FENCE.match(text, at)
    return fence.end() if fence else at


_LANGUAGE = re.compile(r"(?:json|tool_call|tool_code|tool|python)?[ \t]*+\n")


# "Action: read", "Action Input: {...}" of ReAct, and a name above its arguments (GLM-4).
_ACTION = re.compile(r"(?:\A|(?<=\n))Action:[ \t]*+(?P<name>[\w.-]++)[ \t]*+\nAction Input:\s*+(?=\{)")
_NAMED = re.compile(r"\A(?P<name>[\w.-]++)[ \t]*+\n\s*+(?=\{)")


def _read_unmarked(text: str, schemas: Schemas) -> tuple[str, list[FoundCall]] | None:
    """Calls in a fence at the end, or as the whole answer: all of them must be calls of known tools."""
    before, body = "", text
    stripped = text.rstrip()
    opening = stripped.rfind("```", 0, -3) if stripped.endswith("```") else -1
    if opening >= 0 and (language := _LANGUAGE.match(stripped, opening + 3)):
        before, body = text[:opening], stripped[language.end() : -3]
    body = body.strip()
    if (action := _ACTION.search(body)) and (value := read_value(body, action.end()))[0] is not None:
        before, body = body[: action.start()], json.dumps({"name": action["name"], "arguments": value[0]})
    elif named := _NAMED.match(body):
        body = json.dumps({"name": named["name"], "arguments": read_value(body, named.end())[0]})
    readers: tuple[Callable[[str], list[FoundCall] | None], ...] = (_read_plain_objects, read_python_calls)
    for read in readers:
        found = read(body)
        if found and all(_is_known(each, schemas) for each in found):
            return before.strip(), found
    return None


def _is_known(found: FoundCall, schemas: Schemas) -> bool:
    schema = schemas.get(found.name)
    if schema is None or isinstance(found.arguments, str):
        return False
    given = set(found.arguments)
    return given <= set(schema.get("properties", {})) and given >= set(schema.get("required", ()))


def _read_plain_objects(body: str) -> list[FoundCall] | None:
    found: list[FoundCall] = []
    at = 0
    while at < len(body):
        if body[at] not in "{[":
            return None
        value, end = read_value(body, at)
        calls = [read_call(each, end) for each in (value if isinstance(value, list) else [value])]
        if not calls or any(each is None for each in calls):
            return None
        found += [each for each in calls if each]
        at = end
        while at < len(body) and body[at] in " ;,\n\t\r":
            at += 1
    return found
