"""The name that ``apply_suggestion.py`` had: runs that were recorded under it can be replayed."""

from __future__ import annotations

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_name("apply_suggestion.py")), run_name="__main__")
