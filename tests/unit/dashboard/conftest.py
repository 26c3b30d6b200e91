"""What all tests of the dashboard share: nothing that was counted is old, and no page is too early for it."""

from __future__ import annotations

import pytest

from bot.dashboard import background_counts


@pytest.fixture(autouse=True)
def counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_counts, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(background_counts, "KEPT_SECONDS", 0.0)
