"""A statement that is missing: an assignment to ``self``, a counter, a result kept, a neighbour's twin."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import NUMBERS, Proposal, Site
from ..blocks import insert_after, insert_before
from ..registry import template
from .twins import list_guards, list_twins

SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.While,
    ast.Return,
    ast.With,
    ast.AnnAssign,
    ast.Delete,
    ast.Pass,
)


@template(
    "missing-statement", 0.45, *SIMPLE, ast.Raise, errors=("AttributeError", "UnboundLocalError", "NameError")
)
def missing_statement(site: Site) -> Iterator[Proposal]:
    """A line put in front of a statement, or behind the last one of a block."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    if site.function is None:
        return
    siblings = site.source.block(statement)
    last = bool(siblings) and siblings[-1] is statement and not isinstance(statement, ast.Return | ast.Raise)
    for line, weight in _lines(site).items():
        if isinstance(statement, ast.Pass):
            if "\n" not in line:
                yield site.replace(statement, line, 1.4 * weight)
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        for made in (
            insert_before(site, statement, line.split("\n"), weight),
            insert_after(site, statement, line.split("\n"), weight) if last else None,
        ):
            if made is not None:
                yield made


def _lines(site: Site) -> dict[str, float]:
    key = ("missing lines", id(site.function))
    if key not in site.cache:
        found = {**list_guards(site), **list_twins(site), **_usual(site)}
        site.cache[key] = tuple(f"{weight}|{line}" for line, weight in found.items())
    pairs = (each.split("|", 1) for each in site.cache[key])
    return {line: float(weight) for weight, line in pairs}


def _usual(site: Site) -> dict[str, float]:
    """Lines that functions of this shape usually have."""
    function = site.function
    if function is None:
        return {}
    lines: dict[str, float] = {}
    parameters = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
    read = {
        each.id
        for each in ast.walk(function)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }
    for name in parameters:
        if name not in ("self", "cls"):
            if function.name == "__init__" or name not in read:
                for attribute in (name, f"_{name}"):
                    sure = 1.5 if attribute in site.clues.missing or name not in read else 0.4
                    lines[f"self.{attribute} = {name}"] = sure
            if "str" in site.types.get(name, ()):
                lines |= {f"{name} = {name}.strip()": 0.5, f"{name} = {name}.lower()": 0.5}
            if site.types.get(name, set()) & {"list", "dict", "set", "deque"}:
                lines |= {f"{name} = {name}.copy()": 0.5, f"{name} = list({name})": 0.5}
            if "NoneType" in site.types.get(name, ()):
                lines[f"{name} = {name} or []"] = 0.4
    for name in (*site.locals, *site.attributes):
        kinds = site.types.get(name, set())
        if name in ("self", "cls"):
            continue
        lines |= _list_conversions(name, kinds)
        if kinds & (NUMBERS - {"bool"}):
            lines |= {f"{name} += 1": 0.6, f"{name} -= 1": 0.4, f"{name} = 0": 0.3}
        if "str" in kinds:
            lines |= {f"{name} += {text!r}": 0.4 for text in site.strings[:6] if 0 < len(text) < 4}
            lines |= {
                f"{name} += {other}": 0.3 for other in site.locals if "str" in site.types.get(other, ())
            }
        if "bool" in kinds:
            lines |= {f"{name} = True": 0.5, f"{name} = False": 0.5, f"{name} = not {name}": 0.5}
        if kinds & {"list", "deque"}:
            lines |= {
                f"{name}.append({other})": 0.35 for other in site.locals if other not in (name, "self", "cls")
            }
            lines |= {
                f"{name}.sort()": 0.3,
                f"{name}.reverse()": 0.3,
                f"{name}.pop()": 0.35,
                f"{name} = []": 0.35,
                f"{name}.clear()": 0.35,
            }
        if kinds & {"set"}:
            lines |= {
                f"{name}.add({other})": 0.6 for other in site.locals if other not in (name, "self", "cls")
            }
        if kinds & {"dict", "OrderedDict", "defaultdict"}:
            for other in site.locals:
                if other not in (name, "self", "cls"):
                    lines[f"{name}.pop({other}, None)"] = 0.3
                    values = [each for each in site.locals if each not in (name, other, "self", "cls")]
                    lines |= {f"{name}[{other}] = {value}": 0.35 for value in values[:8]}
            lines[f"{name}.clear()"] = 0.35
    for name in site.clues.missing:
        for value in ("[]", "{}", "0", "None", '""', "False", "set()"):
            if name in read:
                lines[f"{name} = {value}"] = 0.9
            if f"self.{name}" in site.attributes:
                lines[f"self.{name} = {value}"] = 0.9
        if name in read and name.isidentifier():
            for giver in (*parameters, *site.attributes[:6]):
                lines[f"{name} = {giver}.{name}"] = 0.8
                lines[f"{name} = {giver}"] = 0.5
                lines |= {f"{name} = len({giver})": 0.5, f"{name} = len({giver}) // 2": 0.4}
                lines |= {f"{name} = {giver}[0]": 0.3, f"{name} = {giver}[-1]": 0.3}
            for maker in (*(f"self.{each}" for each in site.methods), *site.functions):
                if name.strip("_") in maker:
                    lines |= {f"{name} = {maker}()": 0.8} | {
                        f"{name} = {maker}({p})": 0.8 for p in parameters[-3:]
                    }
    for method in site.methods:
        if site.function is not None and method not in (function.name,) and not method.startswith("__"):
            lines[f"self.{method}()"] = 0.4
    owner = site.source.owner(site.node)
    if owner is not None and owner.bases and parameters[:1] == ["self"]:
        rest = ", ".join(parameters[1:])
        sure = 1.3 if function.name in ("__init__", "setUp", "__setattr__", "__init_subclass__") else 0.7
        for call in dict.fromkeys((f"super().{function.name}()", f"super().{function.name}({rest})")):
            lines[call] = sure
            if "return" in site.types and site.types["return"] != {"NoneType"}:
                lines[f"return {call}"] = 0.4 * sure
    if "generator" in site.types.get("return", ()):
        lines |= {f"yield {name}": 0.6 for name in site.locals if name not in ("self", "cls")}
    return lines


def _list_conversions(name: str, kinds: set[str]) -> dict[str, float]:
    """A value brought into shape before it is used: ``text = text.strip()``."""
    if kinds & (NUMBERS - {"bool"}):
        return {
            f"{name} = {each}": 0.4
            for each in (f"abs({name})", f"max({name}, 0)", f"int({name})", f"-{name}")
        }
    if "str" in kinds:
        return {f"{name} = {name}.{each}()": 0.4 for each in ("strip", "lower", "upper")} | {
            f"{name} = int({name})": 0.3
        }
    if kinds & {"list", "tuple", "set", "generator", "dict_keys", "map", "filter"}:
        return {f"{name} = {each}({name})": 0.35 for each in ("sorted", "list", "set", "iter")}
    return {}
