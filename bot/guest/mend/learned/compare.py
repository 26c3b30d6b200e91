"""``--compare``: does a mend do what the known fix does? JSON in on standard input, one line of it out.

The input has ``test`` (the command), ``failing`` (ids), and ``fix`` and ``found`` (path to whole text). The
functions that either changes are called with inputs of the tests and with inputs made from those, once with
the one and once with the other change. Equal outputs are evidence and no proof: see ``forkserver/prober.py``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..baseline import start_server
from ..forkserver.client import ForkServerClient, ServerRefused
from ..source import Source
from .fixes import list_changed_functions, patch_texts, read_sources

MARK = "HOB-COMPARE-RESULT "
SECONDS = 40.0
PROBE = 8.0  # seconds for one function
PASSING = 30  # tests beside the failing ones that give inputs
LEAST = 3  # different inputs that a judgement needs


def main(_: list[str]) -> int:
    """Run in the root of the repository as it was before the fix."""
    told = json.load(sys.stdin)
    try:
        result = compare(Path().resolve(), told)
    except (ServerRefused, OSError, SyntaxError, ValueError, TimeoutError) as error:
        result = {"state": "unknown", "why": f"{type(error).__name__}: {error}"[:300]}
    sys.stdout.write(f"{MARK}{json.dumps(result, ensure_ascii=False)}\n")
    return 0


def compare(root: Path, told: dict[str, Any]) -> dict[str, Any]:
    """``state`` is same, differs or unknown; with ``inputs`` of the function, or a ``call`` that shows it.

    The files below ``root`` may hold the found texts afterwards.
    """
    sources = read_sources(root, {**told["fix"], **told["found"]})
    patches = [patch_texts(sources, told[key], root) for key in ("fix", "found")]
    names = list(_list_functions(sources, told))
    if patches[0] is not None and patches[1] is not None:
        rows = _call_functions(root, told, [patches[0], patches[1]], names)
        return _judge({name: [_pair(each) for each in found] for name, found in rows.items()})
    seen: dict[tuple[str, str], list[dict[str, str]]] = {}
    versions: list[dict[str, str]] = [{}, told["fix"], told["found"]]
    for texts in versions:  # what takes effect on import needs a process of its own
        for path, source in sources.items():
            (root / path).write_text(texts.get(path, source.text), "utf-8", newline="")
        for name, found in _call_functions(root, told, [[]], names).items():
            seen.setdefault(name, []).append(_pair(found[0]))
    return _judge(seen)


def _list_functions(sources: dict[str, Source], told: dict[str, Any]) -> dict[tuple[str, str], None]:
    """The functions that both change come first."""
    by = [
        [
            (path, name)
            for path, text in told[key].items()
            for name in list_changed_functions(sources[path], text)
        ]
        for key in ("fix", "found")
    ]
    return dict.fromkeys([*(each for each in by[0] if each in by[1]), *by[0], *by[1]])


def _call_functions(
    root: Path, told: dict[str, Any], patches: list[list[dict[str, object]]], names: list[tuple[str, str]]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What each function that can be called gives, as the files are and with each patch."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="hob-compare-") as scratch:
        server = start_server(root, told["test"], Path(scratch), SECONDS)
        try:
            passing, failing = _choose_tests(server, told["failing"])
            for path, name in names:
                rows = server.probe(passing, failing, patches, (f"{root}/{path}", name), total=PROBE)
                if len(rows) == len(patches) + 1 and all(row["outputs"] for row in rows):
                    found[path, name] = rows
        finally:
            server.close()
    return found


def _choose_tests(server: ForkServerClient, wanted: list[str]) -> tuple[list[str], list[str]]:
    """Tests of the same files as the failing ones, and those."""
    ids = [name for name, *_ in server.ready["items"]]
    failing = [each for each in wanted if each in ids][:5]
    files = {each.split("::")[0] for each in failing}
    passing = [each for each in ids if each.split("::")[0] in files and each not in wanted]
    return passing[:PASSING], failing


def _pair(row: dict[str, Any]) -> dict[str, str]:
    return dict(zip(row["inputs"], row["outputs"], strict=True))


def _judge(seen: dict[tuple[str, str], list[dict[str, str]]]) -> dict[str, Any]:
    """``seen``: for each function what calls give on the base, by the fix, by the mend."""
    verdict: dict[str, Any] = {"state": "unknown", "why": "no function of the change can be called alone"}
    for (_, name), outputs in seen.items():
        if len(outputs) != 3:
            continue
        base, fixed, found = outputs
        calls = [call for call in fixed if call in base and call in found]
        if len(calls) < LEAST or all(base[call] == fixed[call] for call in calls):
            if verdict["state"] == "unknown":
                verdict["why"] = f"the inputs of {name} do not reach the fault"
            continue
        call = next((each for each in calls if fixed[each] != found[each]), None)
        if call is None:
            return {"state": "same", "function": name, "inputs": len(calls)}
        verdict = {
            "state": "differs",
            "function": name,
            "call": call,
            "fix": fixed[call],
            "found": found[call],
        }
    return verdict
