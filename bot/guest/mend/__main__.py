"""Entry point of ``python -I .../mend``: loads the package under a name no repository can clash with."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

PACKAGE = "_hob_mend"


def load() -> None:
    """Register this folder as the package ``_hob_mend`` and take the folder itself off ``sys.path``.

    Left on the path, modules such as ``source`` or ``search`` here would hide the repository's.
    """
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slower to import
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]  # noqa: PTH100
    spec = importlib.util.spec_from_file_location(
        PACKAGE,
        os.path.join(here, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[here],
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {here}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load()
    parts = {
        "--fork-server": "forkserver.server",
        "--examples": "request.examples",
        "--compare": "learned.compare",
        "--explain": "learned.explain",
    }
    part = parts.get(sys.argv[1] if len(sys.argv) > 1 else "", "cli")
    sys.exit(importlib.import_module(f"{PACKAGE}.{part}").main(sys.argv[1:]))
