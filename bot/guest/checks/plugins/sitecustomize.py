"""Found by every Python that a check starts: has ``unittest`` report its tests, and changes nothing else.

It adds a few lines to the import of ``unittest.result`` and costs nothing where that is not imported: also
therefore it imports next to nothing, neither ``typing`` nor ``importlib.abc``. A ``sitecustomize`` of the
environment's own is run after it.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow to import
_WATCHED = "unittest.result"


class _Loader:
    """Loads ``unittest.result`` as it would be loaded, then adds the reports."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def create_module(self, spec: Any) -> Any:
        """As the module's own loader."""
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As the module's own loader, with the reports."""
        self._inner.exec_module(module)
        importlib.import_module("hob_test_report").Watch(vars(module)["TestResult"])


class _Finder:
    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Only for the one module; everything else is found as ever."""
        if name != _WATCHED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


if os.environ.get("HOB_TEST_REPORT"):
    sys.meta_path.insert(0, _Finder())


def _run_shadowed() -> None:
    """Run the ``sitecustomize`` that this one stands in front of, where there is one."""
    mine = sys.modules.get("sitecustomize")
    left = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]  # noqa: PTH100
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", left)
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    try:
        spec.loader.exec_module(module)
    finally:
        if mine is not None:
            sys.modules["sitecustomize"] = mine


_run_shadowed()
