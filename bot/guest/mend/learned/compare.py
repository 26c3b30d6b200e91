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
    """``state`` is same, differs or unknown; with ``inputs`` of the function, or a ``call`` that shows it."""
    sources = read_sources(root, {**told["fix"], **told["found"]})
    patches = [patch_texts(sources, told[key], root) for key in ("fix", "found")]
    if patches[0] is None or patches[1] is None:
        return {"state": "unknown", "why": "a change outside of functions is only seen by a fresh import"}
    names = list(_list_functions(sources, told))
    with tempfile.TemporaryDirectory(prefix="hob-compare-") as scratch:
        server = start_server(root, told["test"], Path(scratch), SECONDS)
        try:
            return _compare_functions(server, root, told, [patches[0], patches[1]], names)
        finally:
            server.close()


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


def _compare_functions(
    server: ForkServerClient,
    root: Path,
    told: dict[str, Any],
    patches: list[list[dict[str, object]]],
    names: list[tuple[str, str]],
) -> dict[str, Any]:
    ids = [name for name, *_ in server.ready["items"]]
    failing = [each for each in told["failing"] if each in ids][:5]
    files = {each.split("::")[0] for each in failing}
    passing = [each for each in ids if each.split("::")[0] in files and each not in told["failing"]][:PASSING]
    verdict: dict[str, Any] = {"state": "unknown", "why": "no function of the change can be called alone"}
    for path, name in names:
        rows = server.probe(passing, failing, patches, (f"{root}/{path}", name), total=PROBE)
        if len(rows) != 3 or not rows[1]["outputs"] or not rows[2]["outputs"]:
            continue
        base, fixed, found = (row["outputs"] for row in rows)
        reached = sum(one != two for one, two in zip(base, fixed, strict=True))
        if len(fixed) < LEAST or not reached:
            verdict.setdefault("note", f"the inputs of {name} do not reach the fault")
            continue
        for call, one, two in zip(rows[0]["inputs"], fixed, found, strict=True):
            if one != two:
                verdict = {"state": "differs", "function": name, "call": call, "fix": one, "found": two}
                break
        else:
            return {"state": "same", "function": name, "inputs": len(fixed)}
    return verdict
