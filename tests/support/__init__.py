"""What tests share: the world's edge as fakes, builders of real things, and where the checkout is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent.parent  # of the checkout
DATA = ROOT / "tests" / "data"
SUITE = ROOT / "tests" / "suite"
