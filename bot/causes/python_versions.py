"""Which Python a project needs, read from this one's errors: too old, too new, or not the one required.

Sources: the pages "What's New in Python", https://docs.python.org/3/whatsnew/, and the messages of pip, uv,
poetry and pdm.
"""

from __future__ import annotations

import re

# Modules and names of the standard library by the version that no longer has them, or first has them.
GONE = {
    **dict.fromkeys(("distutils", "imp", "asynchat", "asyncore", "smtpd"), 12),
    **dict.fromkeys(("cgi", "cgitb", "crypt", "imghdr", "sndhdr", "telnetlib", "pipes", "nntplib", "uu"), 13),
    **dict.fromkeys(("xdrlib", "audioop", "aifc", "chunk", "mailcap", "msilib", "nis", "ossaudiodev"), 13),
    **dict.fromkeys(("spwd", "sunau", "lib2to3"), 13),
    **dict.fromkeys(("collections.Mapping", "collections.MutableMapping", "collections.Callable"), 10),
    **dict.fromkeys(("collections.Iterable", "collections.Sequence", "collections.Hashable"), 10),
    **dict.fromkeys(("inspect.getargspec", "asyncio.coroutine", "inspect.formatargspec"), 11),
    **dict.fromkeys(("pkgutil.ImpImporter", "configparser.SafeConfigParser", "ssl.wrap_socket"), 12),
    **dict.fromkeys(("unittest.makeSuite", "typing.io", "locale.resetlocale"), 13),
    **dict.fromkeys(("ast.Str", "ast.Num", "ast.NameConstant", "pkgutil.find_loader"), 14),
}
COME = {
    **dict.fromkeys(("zoneinfo", "graphlib"), 9),
    **dict.fromkeys(("typing.ParamSpec", "typing.TypeAlias", "typing.TypeGuard", "itertools.pairwise"), 10),
    **dict.fromkeys(("tomllib", "typing.Self", "typing.Never", "typing.LiteralString", "typing.Unpack"), 11),
    **dict.fromkeys(("typing.NotRequired", "typing.Required", "typing.assert_never", "datetime.UTC"), 11),
    **dict.fromkeys(("enum.StrEnum", "asyncio.TaskGroup", "asyncio.timeout", "contextlib.chdir"), 11),
    **dict.fromkeys(("typing.override", "typing.TypeAliasType", "itertools.batched"), 12),
    **dict.fromkeys(("typing.TypeIs", "typing.ReadOnly", "warnings.deprecated", "copy.replace"), 13),
    **dict.fromkeys(("annotationlib", "compression", "string.templatelib", "concurrent.interpreters"), 14),
}
_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]{1,80})'")
_NAME = re.compile(
    r"ImportError: cannot import name '(?P<name>\w{1,80})' from '(?P<module>[\w.]{1,80})'"
    r"|AttributeError: module '(?P<module2>[\w.]{1,80})' has no attribute '(?P<name2>\w{1,80})'"
)
_OLD_ASSERTION = re.compile(
    r"AttributeError: '\w{1,80}' object has no attribute '(assertEquals|assertNotEquals|assertItemsEqual"
    r"|assertRegexpMatches|assertRaisesRegexp|failUnlessEqual|assert_|assertDictContainsSubset)'"
)
_SYNTAX = re.compile(  # type parameters, https://peps.python.org/pep-0695/
    r"^(?:E\s{1,9})?\s{0,40}"
    r"(?:type \w{1,80}(?:\[.{0,80}\])? = .{1,200}|(?:async def|def|class) \w{1,80}\[.{1,80}\].{0,200})"
    r"\n.{0,200}\^.{0,200}\n(?:E\s{1,9})?\s{0,40}SyntaxError",
    re.M,
)
_RANGE = r"[^;`'()\n]{1,60}"
_BOUND = r">= ?[\d.]{1,12}"
_ASKED = tuple(  # the range that is asked for, where a tool says it
    re.compile(pattern)
    for pattern in (
        rf"requires a different Python: [\w.+]{{1,20}} not in '({_RANGE})'",
        rf"incompatible with the project's Python requirement: `?({_RANGE})",
        rf"ython version \(?[\d.]{{1,12}}\)? is not (?:supported|allowed) by the project \(({_RANGE})\)",
        rf"that require a different python version: .{{0,400}}?Requires-Python ({_RANGE})",
        rf"depends on Python ?({_BOUND})",
        rf"[Pp]ython (?:version )?({_BOUND}) (?:is )?required",
        rf"[Rr]equires [Pp]ython (?:version )?({_BOUND}|[\d.]{{1,12}} or (?:newer|later|higher))",
    )
)


def explain_python(output: str) -> tuple[str, str]:
    """What is wrong with this Python, as a clause, and an image that fits; '' where nothing is told."""
    for pattern in _ASKED:
        if found := pattern.search(output):
            asked = " ".join(found[1].split()).rstrip(".,")
            return f"this Python is another than is asked for ({asked})", _find_image(asked)
    for name in _list_named(output):
        if version := GONE.get(name) or GONE.get(name.partition(".")[0]):
            return (
                f"this Python is too new for it: `{name}` is gone since 3.{version}",
                f"python:3.{version - 1}",
            )
        if version := COME.get(name):
            return (
                f"this Python is too old for it: `{name}` is there since 3.{version}",
                f"python:3.{version}",
            )
    if found := _OLD_ASSERTION.search(output):
        return (
            f"this Python is too new for its tests: unittest's `{found[1]}` is gone since 3.12",
            "python:3.11",
        )
    if _SYNTAX.search(output):
        return "this Python is too old for it: type parameters are there since 3.12", "python:3.12"
    return "", ""


def _list_named(output: str) -> list[str]:
    """What could not be imported, dotted."""
    names = _MODULE.findall(output)
    for found in _NAME.finditer(output):
        module, name = (
            (found["module"], found["name"]) if found["module"] else (found["module2"], found["name2"])
        )
        names.append(f"{module}.{name}")
    return names


def _find_image(asked: str) -> str:
    """A Python that fits a range: its lower bound, else the version below its upper one."""
    if lower := re.search(r"(?:>=|~=|==|\^|~)\s?3\.(\d{1,2})", asked):
        return f"python:3.{lower[1]}"
    if upper := re.search(r"<\s?3\.(\d{1,2})", asked):
        return f"python:3.{max(int(upper[1]) - 1, 0)}"
    if plain := re.match(r"3\.(\d{1,2})", asked):
        return f"python:3.{plain[1]}"
    return "python:3"
