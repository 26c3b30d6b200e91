"""Somebody sizes a model of their own: it is measured, and what that prints is what the forecast takes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.bench_model import measure_all
from bot.cli.main import main
from tests.support.model_servers import Say, environment, serving

pytestmark = pytest.mark.timeout(300)
LOADS = ("200:2000", "1000:12000", "10000:120000")


async def test_an_endpoint_is_measured_and_its_figures_size_the_fleet(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    async with serving("vllm") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        server.always = lambda _: Say(text="I would look at the last item first.")
        await measure_all(server.model, [1, 2], 4, 1000)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("hob forecast ")]
    words = [*line.split()[1:], "--defaults", "--cpus", "4", "--memory-gib", "32", *LOADS]
    done = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert done.exit_code == 0, done.output
    assert re.search(r"first_token +[\d.e-]+  set", done.output), done.output
    rows = [each for each in done.output.splitlines() if each.startswith(("| 200 ", "| 1,000 ", "| 10,000 "))]
    assert len(rows) == 3, done.output
