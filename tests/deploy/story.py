"""The demo's story against processes that somebody else started; ``play`` runs this in their network."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.request import urlopen

from rich.console import Console

from bot.demo.processes import LocalProcesses
from bot.demo.show import StepPrinter, play
from bot.domain import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedElsewhere:
    """What the story asks of the processes: it neither starts nor ends them."""

    hub: dict[str, Any]
    home: Path

    def check(self) -> None:
        """Nothing: ``play`` looks after the containers."""


def main(facts: Path, metrics: str) -> int:
    """Play the story, then read the numbers of each process; 0 when the task is done and each has some."""
    processes = StartedElsewhere(hub=json.loads(facts.read_text("utf-8")), home=facts.parent)
    printer = StepPrinter(console=Console(soft_wrap=True))
    ended = asyncio.run(play(cast(LocalProcesses, processes), printer))
    print(json.dumps(ended))
    found = {}
    for process, port in (each.split("=") for each in metrics.split(",")):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith("hob_")]
        found[process] = [line for line in lines if "_bucket" not in line and not line.endswith(" 0.0")]
        print(f"{process}: {len(lines)} series, such as {found[process][-1]}")
    return 0 if ended["state"] == TaskState.DONE.value and ended["pr_url"] and all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
