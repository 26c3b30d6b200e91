"""What tools leave behind in any repository: never part of a change, whether or not ``.gitignore`` says
so.

The same lines stand in the throw-away ``.git/info/exclude``, so that ``git status`` in the sandbox agrees
with what is published. A ``.gitignore`` of the repository overrides them with a negation, as git has it.
"""

from __future__ import annotations

LEFT_OUT: tuple[str, ...] = (
    "__pycache__/",
    "*.py[cod]",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".venv/",
    ".coverage",
    ".coverage.*",
    "*.egg-info/",
    "node_modules/",
    ".DS_Store",
)
