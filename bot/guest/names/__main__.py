"""``python -I .../names rename OLD NEW`` or ``... ask NAME``: one line of JSON.

Exit code 0: done; 1: refused, with the reason in the JSON.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

PACKAGE = "_hob_names"
MARK = "HOB-NAMES-RESULT "


def load() -> None:
    """Register this folder as a package under a name that no repository can clash with."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    spec = importlib.util.spec_from_file_location(
        PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {here}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def main(argv: list[str]) -> int:
    """Do what ``argv`` says in the current directory."""
    load()
    root = Path.cwd()
    index = importlib.import_module(f"{PACKAGE}.index").read(root)
    told: dict[str, Any]
    match argv:
        case ["rename", old, new]:
            told = importlib.import_module(f"{PACKAGE}.rename").rename(index, old, new)
        case ["ask", name]:
            told = importlib.import_module(f"{PACKAGE}.ask").ask(index, name)
        case _:
            raise SystemExit(__doc__)
    sys.stdout.write(f"{MARK}{json.dumps(told, ensure_ascii=False)}\n")
    return 1 if told.get("refused") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
