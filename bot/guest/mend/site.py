"""What a template sees: one node, its scope's names, the types seen at run time, the tests' literals."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .source import FUNCTIONS, Source, TextEdit

NUMBERS = frozenset({"int", "float", "bool", "Decimal", "Fraction", "complex"})
SIZED = frozenset(
    {"str", "list", "tuple", "dict", "set", "frozenset", "bytes", "deque", "OrderedDict", "range"}
)
_BUILTINS = frozenset(dir(builtins))
BUILTIN_ERRORS = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, Warning)
)
_RESULTS = {
    "len": "int",
    "int": "int",
    "ord": "int",
    "round": "int",
    "float": "float",
    "str": "str",
    "repr": "str",
    "chr": "str",
    "sorted": "list",
    "list": "list",
    "dict": "dict",
    "set": "set",
    "tuple": "tuple",
    "bool": "bool",
    "isinstance": "bool",
    "hasattr": "bool",
    "any": "bool",
    "all": "bool",
    "range": "range",
    "strip": "str",
    "lstrip": "str",
    "rstrip": "str",
    "lower": "str",
    "upper": "str",
    "join": "str",
    "replace": "str",
    "format": "str",
    "title": "str",
    "split": "list",
    "splitlines": "list",
    "find": "int",
    "count": "int",
    "startswith": "bool",
    "endswith": "bool",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """One small change. ``weight`` ranks it among those of its template, about 1.0 for the likeliest."""

    edits: tuple[TextEdit, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the failing tests say: their literals, how they failed, both sides of their comparisons."""

    numbers: tuple[float, ...] = ()
    strings: tuple[str, ...] = ()
    errors: frozenset[str] = frozenset()  # exception types that ended tests
    awaited: tuple[str, ...] = ()  # exception types the tests wait for
    pairs: tuple[tuple[str, str], ...] = ()  # repr of left and right
    missing: frozenset[str] = frozenset()  # names in NameError, AttributeError, KeyError ...
    said: tuple[str, ...] = ()  # words of the failures' messages
    words: frozenset[str] = frozenset()  # identifiers in the tests and the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One node to change, with what surrounds it."""

    source: Source
    node: ast.AST
    clues: Clues
    types: Mapping[str, set[str]] = field(default_factory=dict)
    cache: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    @property
    def function(self) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function around the node."""
        return self.source.function(self.node)

    def text(self, node: ast.AST) -> str:
        """The exact text of a node."""
        return self.source.segment(node)

    def replace(self, node: ast.AST, new: str, weight: float = 1.0) -> Proposal:
        """Put ``new`` in the place of ``node``."""
        return Proposal((TextEdit(*self.source.span(node), new),), weight)

    def kinds(self, node: ast.AST) -> frozenset[str]:
        """Names of the types an expression is known to have; empty when nothing is known."""
        match node:
            case ast.Constant(value=value):
                return frozenset({type(value).__name__})
            case ast.Name(id=name):
                return frozenset(self.types.get(name, ()))
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return frozenset(self.types.get(f"self.{name}", ()))
            case ast.JoinedStr():
                return frozenset({"str"})
            case ast.List() | ast.ListComp():
                return frozenset({"list"})
            case ast.Dict() | ast.DictComp():
                return frozenset({"dict"})
            case ast.Set() | ast.SetComp():
                return frozenset({"set"})
            case ast.Tuple():
                return frozenset({"tuple"})
            case ast.Compare():
                return frozenset({"bool"})
            case ast.BinOp(left=left, op=ast.Mod(), right=_) if "str" in self.kinds(left):
                return frozenset({"str"})
            case ast.BinOp(left=left, right=right):
                return self.kinds(left) | self.kinds(right)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _RESULTS:
                return frozenset({_RESULTS[name]})
        return frozenset()

    def might(self, node: ast.AST, *names: str) -> bool:
        """Whether an expression may be of one of the types: true when nothing is known."""
        kinds = self.kinds(node)
        return not kinds or bool(kinds & set(names))

    def numeric(self, node: ast.AST) -> bool:
        """Whether an expression may be a number."""
        return self.might(node, *NUMBERS)

    def compute_once(self, key: str, make: Callable[[], Iterator[str]]) -> tuple[str, ...]:
        place = (key, id(self.function))
        if place not in self.cache:
            self.cache[place] = tuple(dict.fromkeys(make()))
        return self.cache[place]

    @property
    def locals(self) -> tuple[str, ...]:
        """Parameters and assigned names of the function, in order of appearance."""
        return self.compute_once("locals", self._locals)

    def _locals(self) -> Iterator[str]:
        function = self.function
        while function is not None:
            arguments = function.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                yield each.arg
            for rest in (arguments.vararg, arguments.kwarg):
                if rest is not None:
                    yield rest.arg
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
            function = self.source.function(function)

    @property
    def attributes(self) -> tuple[str, ...]:
        """``self.name`` for every attribute that the class around uses, methods left out."""
        return self.compute_once("attributes", lambda: (f"self.{name}" for name in self._attributes()))

    def _attributes(self) -> Iterator[str]:
        owner = self.source.owner(self.node)
        if owner is None:
            return
        methods = {each.name for each in owner.body if isinstance(each, FUNCTIONS) and not _property(each)}
        for node in ast.walk(owner):
            match node:
                case ast.Attribute(value=ast.Name(id="self"), attr=name) if name not in methods:
                    yield name
        for each in owner.body:
            match each:
                case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                    yield name

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods of the class around."""
        return self.compute_once("methods", self._methods)

    def _methods(self) -> Iterator[str]:
        owner = self.source.owner(self.node)
        if owner is not None:
            yield from (each.name for each in owner.body if isinstance(each, FUNCTIONS))

    @property
    def globals(self) -> tuple[str, ...]:
        """Names bound at the top of the module: functions, classes, constants, imports."""
        return self.compute_once("globals", self._globals)

    def _globals(self) -> Iterator[str]:
        for each in self.source.tree.body:
            if isinstance(each, (*FUNCTIONS, ast.ClassDef)):
                yield each.name
            elif isinstance(each, (ast.Import, ast.ImportFrom)):
                yield from (alias.asname or alias.name.split(".")[0] for alias in each.names)
            elif isinstance(each, (ast.Assign, ast.AnnAssign)):
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                yield from (name.id for name in targets if isinstance(name, ast.Name))

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the module's own functions."""
        body = self.source.tree.body
        return self.compute_once(
            "functions", lambda: (each.name for each in body if isinstance(each, FUNCTIONS))
        )

    @property
    def strings(self) -> tuple[str, ...]:
        """String literals of the file, those of the same function first; docstrings left out."""
        return self.compute_once("strings", self._strings)

    def _strings(self) -> Iterator[str]:
        for scope in (self.function, self.source.owner(self.node), self.source.tree):
            for node in ast.walk(scope) if scope is not None else ():
                match node:
                    case ast.Constant(value=str(value)) if len(value) < 60 and "\n" not in value:
                        yield value

    @property
    def numbers(self) -> tuple[str, ...]:
        """Number literals of the file as written, those of the same function first."""
        return self.compute_once("numbers", self._numbers)

    def _numbers(self) -> Iterator[str]:
        for scope in (self.function, self.source.owner(self.node), self.source.tree):
            for node in ast.walk(scope) if scope is not None else ():
                if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                    yield self.text(node)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Texts of the conditions in the function and its file, nearest scope first."""
        return self.compute_once("conditions", self._conditions)

    def _conditions(self) -> Iterator[str]:
        known = set(self.locals) | set(self.globals) | _BUILTINS
        for scope in (self.function, self.source.owner(self.node), self.source.tree):
            for node in ast.walk(scope) if scope is not None else ():
                if isinstance(node, (ast.If, ast.While, ast.IfExp)):
                    names = {each.id for each in ast.walk(node.test) if isinstance(each, ast.Name)}
                    text = self.text(node.test)
                    if names <= known and len(text) < 80 and "\n" not in text:
                        yield text
                    parts = node.test.values if isinstance(node.test, ast.BoolOp) else []
                    for part in parts:
                        names = {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}
                        if names <= known and len(self.text(part)) < 60 and "\n" not in self.text(part):
                            yield self.text(part)


def _property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id in ("property", "cached_property")
        for each in function.decorator_list
    )
