"""The journal of a measured attempt: what the offline engine's search says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.domain import PromptText, Step

SEARCH = "HOB-MEND-RESULT "


class SearchJournal:
    """The agent's journal of an attempt, of which only the search's own line is kept."""

    def __init__(self) -> None:
        self.search: dict[str, Any] = {}

    @property
    def used(self) -> dict[str, float]:
        """Processor seconds and peak MiB of the search; empty where none came to its end."""
        used: dict[str, float] = self.search.get("used", {})
        return used

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Look for the line that the search prints among the results of the turn's calls."""
        for call in record["calls"]:
            for line in str(call.get("output", call.get("text", ""))).splitlines():
                if line.startswith(SEARCH):
                    self.search = _read_search(line.removeprefix(SEARCH)) or self.search

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """Nothing is kept."""

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Nothing is kept."""

    async def read_steering(self) -> list[PromptText]:
        """Always empty: nobody steers a measurement."""
        return []


def _read_search(text: str) -> dict[str, Any]:
    """What the line says; {} for one that is cut off or that the project's own code printed."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    fits = isinstance(said, dict) and all(isinstance(said.get(key, {}), dict) for key in ("used", "search"))
    return said if fits else {}
