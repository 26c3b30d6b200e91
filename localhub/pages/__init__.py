"""The pages that a person sees in a browser."""

from __future__ import annotations

from typing import Any

View = dict[str, Any]  # what a template is given
