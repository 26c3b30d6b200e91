"""Whether a Python project takes plain names from another index than the public one.

On the public index such a name may be somebody else's, who is then the one whose code is installed.
https://azure.microsoft.com/en-us/resources/3-ways-to-mitigate-risk-using-private-package-feeds/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.workspace.find_checks.pytest_settings import read_ini
from bot.workspace.find_checks.tree import Tree, get

_PUBLIC = frozenset(("pypi.org", "pypi.python.org", "files.pythonhosted.org"))
_SET = re.compile(r"(?:PIP|UV)_(?:(?:EXTRA_)?INDEX_URL|INDEX|DEFAULT_INDEX|FIND_LINKS)\b")
_OPTION = re.compile(
    r"--(?:extra-index-url|index-url|default-index|index)\b|(?m:^indexserver\b)|install[^\n]{0,80}?[\s\"']-i\b"
    r"""|(?<![\w-])(?:--find-links|-[if])["', =]{0,4}https?:"""
)


def has_own_index(tree: Tree) -> bool:
    """Whether a tool's settings name an index, other than the public one, that is asked for every name."""
    tools = get(tree.toml("pyproject.toml"), "tool")
    if any(_is_elsewhere(each) for each in _list_indexes(tree, tools)):
        return True
    told = [tree.text(path) for path in ("tox.ini", "tox.toml", "noxfile.py", "hatch.toml")]
    told += ["--" + line.lstrip() for line in tree.text("pip.conf").splitlines()]
    told += (read_ini(tree, "setup.cfg", "tox:testenv") or {}).values()
    if any(_SET.search(text) or _OPTION.search(text) for text in told):
        return True
    return bool(_SET.search(tree.text("pyproject.toml")))


def _list_indexes(tree: Tree, tools: object) -> Iterator[object]:
    """What each tool's settings give as the address of an index that plain names may come from."""
    pixi = [get(tools, "pixi", "pypi-options"), get(tree.toml("pixi.toml"), "pypi-options")]
    for uv in (get(tools, "uv"), tree.toml("uv.toml")):  # https://docs.astral.sh/uv/concepts/indexes/
        for each in _as_list(get(uv, "index")):
            if get(each, "explicit") is not True:
                yield get(each, "url")
        pixi += [uv, get(uv, "pip")]
    for table in pixi:
        for key in ("index-url", "extra-index-url", "extra-index-urls"):
            yield from _as_list(get(table, key))
    # https://python-poetry.org/docs/repositories/: the others are asked after the public one, or by name
    for each in _as_list(get(tools, "poetry", "source")):
        if get(each, "priority") not in ("explicit", "supplemental"):
            yield get(each, "url")
    # https://pdm-project.org/latest/usage/config/#configure-the-package-indexes
    yield from (get(each, "url") for each in _as_list(get(tools, "pdm", "source")))
    yield get(tree.toml("pdm.toml"), "pypi", "url")
    yield from (get(each, "url") for each in _as_list(get(tools, "rye", "sources")))
    # https://pipenv.pypa.io/en/latest/indexes.html: the first is asked for every name without an index
    yield from (get(each, "url") for each in _as_list(get(tree.toml("Pipfile"), "source"))[:1])


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _is_elsewhere(url: object) -> bool:
    if not isinstance(url, str) or not url:
        return False
    try:
        return urlsplit(url).hostname not in _PUBLIC
    except ValueError:
        return True
