"""Calls that are missing, too many, or called with the wrong arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import NUMBERS, SIZED, Proposal, Site
from ..source import TextEdit
from .registry import template


@template("swapped-arguments", 0.6, ast.Call)
def swapped_arguments(site: Site) -> Iterator[Proposal]:
    """Two arguments in each other's place."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    args = [each for each in node.args if not isinstance(each, ast.Starred)]
    for i, one in enumerate(args):
        for j in range(i + 1, len(args)):
            two = args[j]
            a, b = site.text(one), site.text(two)
            if a != b:
                edits = (TextEdit(*site.source.span(one), b), TextEdit(*site.source.span(two), a))
                yield Proposal(edits, 1.0 if j == i + 1 else 0.5)
    if (
        isinstance(node.func, ast.Attribute)
        and len(args) == 1
        and isinstance(args[0], ast.Name | ast.Attribute)
    ):
        edits = (
            TextEdit(*site.source.span(node.func.value), site.text(args[0])),
            TextEdit(*site.source.span(args[0]), site.text(node.func.value)),
        )
        yield Proposal(edits, 0.4)


@template("arguments", 0.45, ast.Call, errors=("TypeError",))
def arguments(site: Site) -> Iterator[Proposal]:
    """An argument too many or too few; an option that other calls of the same function give."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    everything = [*node.args, *node.keywords]
    texts = [site.source.text[slice(*site.source.span(each))] for each in everything]
    callee = site.text(node.func)
    for gone in range(len(texts)):
        kept = ", ".join(text for i, text in enumerate(texts) if i != gone)
        yield site.replace(node, f"{callee}({kept})", 0.4)
    for added, weight in _options(site, node).items():
        yield site.replace(node, f"{callee}({', '.join([*texts, added])})", weight)
    if (isinstance(node.func, ast.Name) and node.func.id in site.functions) or isinstance(
        node.func, ast.Attribute
    ):
        for name in (*site.locals, *site.attributes):
            if name not in ("self", "cls") and name not in texts:
                yield site.replace(node, f"{callee}({', '.join([*texts, name])})", 0.3)


def _options(site: Site, node: ast.Call) -> dict[str, float]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = {each.arg for each in node.keywords}
    options: dict[str, float] = {}
    if name in ("sorted", "sort", "max", "min") and "key" not in given:
        lambdas = (
            "key=len",
            "key=str.lower",
            "key=abs",
            "key=str",
            "key=lambda item: item[1]",
            "key=lambda item: item[0]",
        )
        options |= dict.fromkeys(lambdas, 0.35)
    if name in ("sorted", "sort") and "reverse" not in given:
        options["reverse=True"] = 0.9
    if name in ("max", "min") and "default" not in given:
        options |= {"default=0": 0.4, "default=None": 0.4}
    if name in ("split", "rsplit") and len(node.args) == 1:
        options["1"] = 0.7
    if name in ("split", "strip", "lstrip", "rstrip") and not node.args:
        options |= {f"{quoted!r}": 0.25 for quoted in (" ", ",", "/", "-", "\n", ".")}
    if name in ("get", "pop", "getattr", "next") and len(node.args) == (2 if name == "getattr" else 1):
        options |= {"None": 0.6, "0": 0.5, '""': 0.3, "[]": 0.4, "{}": 0.3, "False": 0.4}
    if name == "range" and len(node.args) == 2:
        options |= {"-1": 0.4, "2": 0.3} | dict.fromkeys(site.locals[:6], 0.4)
    if name == "round" and len(node.args) == 1:
        options |= {"2": 0.6, "1": 0.4, "3": 0.2}
    if name == "enumerate" and len(node.args) == 1:
        options |= {"1": 0.7, "start=1": 0.2}
    if name == "zip" and "strict" not in given:
        options["strict=True"] = 0.2
    if name == "field" and not node.args:
        options |= {"default_factory=list": 0.9, "default_factory=dict": 0.8, "default_factory=set": 0.5}
        options |= {"default=None": 0.6, "default=0": 0.4, "repr=False": 0.2, "compare=False": 0.2}
    if name in ("dumps", "dump"):
        options |= {"sort_keys=True": 0.5, "ensure_ascii=False": 0.4, "indent=2": 0.4}
    if name in ("open", "read_text", "write_text"):
        options |= (
            {'encoding="utf-8"': 0.8, 'newline=""': 0.5, 'newline="\\n"': 0.3} if "mode" not in given else {}
        )
    if name == "sum" and len(node.args) == 1:
        options["0"] = 0.1
    if name in ("replace", "sub") and len(node.args) in (2, 3):
        options["1"] = 0.3
    if name == "int" and len(node.args) == 1:
        options |= {"16": 0.4, "2": 0.3, "10": 0.2, "8": 0.1}
    for other in ast.walk(site.source.tree):
        if isinstance(other, ast.Call) and other is not node and isinstance(other.func, type(node.func)):
            theirs = (
                other.func.attr if isinstance(other.func, ast.Attribute) else getattr(other.func, "id", "")
            )
            if theirs == name:
                for keyword in other.keywords:
                    if keyword.arg and keyword.arg not in given:
                        options.setdefault(f"{keyword.arg}={site.text(keyword.value)}", 0.5)
    return options


@template(
    "missing-method",
    0.55,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Call,
    errors=("AttributeError", "TypeError", "ValueError"),
)
def missing_method(site: Site) -> Iterator[Proposal]:
    """``.strip()``, ``.lower()``, ``.copy()`` and the like left out."""
    node = site.node
    if not isinstance(node, ast.expr) or not is_value(site, node):
        return
    kinds = site.kinds(node)
    text = site.text(node)
    methods: dict[str, float] = {}
    if "str" in kinds or (not kinds and isinstance(node, ast.Call | ast.Subscript)):
        scale = 1.0 if kinds else 0.35
        methods |= {".strip()": scale, ".lower()": scale, ".upper()": 0.5 * scale, ".rstrip()": 0.4 * scale}
        methods |= {
            ".lstrip()": 0.3 * scale,
            ".title()": 0.2 * scale,
            ".casefold()": 0.2 * scale,
            ".split()": 0.3 * scale,
        }
        methods |= {
            ".capitalize()": 0.2 * scale,
            ".encode()": 0.2 * scale,
            '.rstrip("\\n")': 0.15 * scale,
            '.rstrip("/")': 0.15 * scale,
        }
    if kinds & {"dict", "defaultdict", "OrderedDict", "Counter"}:
        methods |= {".items()": 0.7, ".values()": 0.6, ".keys()": 0.3, ".copy()": 0.7}
    if kinds & {"list", "set", "deque"}:
        methods |= {".copy()": 0.8}
    if kinds & {"bytes"}:
        methods[".decode()"] = 0.6
    if kinds & {"method", "function", "builtin_function_or_method"}:
        methods["()"] = 1.0
    for method, weight in methods.items():
        if not text.endswith(method):
            yield site.replace(node, text + method, weight)


@template(
    "missing-call",
    0.5,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Call,
    ast.BinOp,
    ast.ListComp,
    ast.GeneratorExp,
    errors=("TypeError",),
)
def missing_call(site: Site) -> Iterator[Proposal]:
    """``len``, ``abs``, ``sorted``, ``str`` and the like left out around a value."""
    node = site.node
    if not isinstance(node, ast.expr) or not is_value(site, node) or is_empty(node):
        return
    kinds = site.kinds(node)
    text = site.text(node)
    names: dict[str, float] = {}
    if kinds & SIZED:
        names["len"] = 0.4
    if kinds & NUMBERS or (not kinds and isinstance(node, ast.BinOp)):
        scale = 1.0 if kinds else 0.6
        names |= {
            "abs": 0.8 * scale,
            "str": 0.4 * scale,
            "int": 0.6 * scale,
            "float": 0.3 * scale,
            "round": 0.4 * scale,
        }
        names |= {
            "max(0, {})": 0.6 * scale,
            "max(1, {})": 0.3 * scale,
            "round({}, 2)": 0.4 * scale,
            "min(1, {})": 0.15 * scale,
        }
    if kinds & {
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "generator",
        "deque",
        "dict_keys",
        "dict_values",
        "filter",
        "map",
    }:
        names |= {
            "sorted": 0.6,
            "list": 0.6,
            "set": 0.4,
            "tuple": 0.5,
            "sum": 0.2,
            "dict": 0.35 if "dict" in kinds else 0.1,
        }
        names |= {"reversed": 0.4, "iter": 0.15, "any": 0.1, "all": 0.1, "enumerate": 0.2}
        names["list(dict.fromkeys({}))"] = 0.3
    if not kinds and not isinstance(node, ast.BinOp):
        names |= {
            "list": 0.3,
            "sorted": 0.35,
            "str": 0.3,
            "int": 0.35,
            "tuple": 0.25,
            "len": 0.2,
            "set": 0.2,
            "float": 0.15,
            "abs": 0.2,
        }
    if kinds & {"str"}:
        names |= {"int": 0.5, "float": 0.3, "repr": 0.2}
    for function in site.source.tree.body:
        if (
            isinstance(function, ast.FunctionDef)
            and function is not site.function
            and len(function.args.args) == 1
        ):
            names.setdefault(function.name, 0.4)
    owner = site.source.owner(node)
    for method in owner.body if owner and isinstance(node, ast.Name) else ():
        if isinstance(method, ast.FunctionDef) and method is not site.function and len(method.args.args) == 2:
            names.setdefault(f"self.{method.name}", 0.35)
    for name, weight in names.items():
        new = name.format(text) if "{" in name else f"{name}({text})"
        if not _is_called(site, node, name):
            yield site.replace(node, new, weight)


def _is_called(site: Site, node: ast.AST, name: str) -> bool:
    parent = site.source.parents.get(node)
    return isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == name


def is_empty(node: ast.expr) -> bool:
    """Whether it is a builtin's own empty value, as ``set()``: no call around one is meant."""
    match node:
        case ast.Call(func=ast.Name(id="set" | "list" | "dict" | "tuple" | "frozenset" | "str" | "bytes")):
            return not node.args and not node.keywords
    return False


def is_value(site: Site, node: ast.expr) -> bool:
    """Whether the expression is read as a value: not a target, a callee, an owner of an attribute, a type."""
    if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        return False
    parent = site.source.parents.get(node)
    if isinstance(parent, ast.Call):
        return parent.func is not node
    if isinstance(parent, ast.Attribute):
        return isinstance(node, ast.Name) and bool(site.kinds(node) & {"str"})
    if isinstance(
        parent, ast.arg | ast.AnnAssign | ast.Expr | ast.Starred | ast.ClassDef | ast.ExceptHandler
    ):
        return False
    return not isinstance(parent, ast.Subscript) or parent.slice is node
