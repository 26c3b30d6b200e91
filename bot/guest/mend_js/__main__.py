"""Entry point of ``python -I .../mend_js``: loads Hob's guests under a name no repository can clash with."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

PACKAGE = "_hob_guest"
PARSERS = "/opt/hob/venv/parsers"  # sandbox.toolchain puts tree-sitter there, out of the way of tests


def load() -> None:
    """Register the folder above as the package ``_hob_guest``; the parsers come last on ``sys.path``."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slower to import
    above = os.path.dirname(here)  # noqa: PTH120
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]  # noqa: PTH100
    sys.path.append(PARSERS)
    spec = importlib.util.spec_from_file_location(
        PACKAGE,
        os.path.join(above, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[above],
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load {above}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load()
    sys.exit(importlib.import_module(f"{PACKAGE}.mend_js.cli").main(sys.argv[1:]))
