"""Transcripts become training data where the repository agreed, judged by what people did with them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.tasks.database.connection import Database
from bot.training.messages import check_messages
from tests.support.dashboard import read_page
from tests.support.flow import DONE, FAULTY, MEND, UNITTEST, AtWork, at_work, eventually

pytestmark = pytest.mark.timeout(400)
READY = """mutation($id: ID!) {
    markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"""
MIT = "Permission is hereby granted, free of charge, to any person, without restriction.\n"


async def run_export(folder: Path) -> Result:
    """The command, in a thread because it has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["export", str(folder)])


async def find_merged_in_experiment() -> str | None:
    """What ``hob experiment`` prints, once it knows of a merged pull request."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["experiment", "prompt-version"])
    assert done.exit_code == 0, done.output
    return done.output if "100% of 1" in done.output else None


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def mended(hob: AtWork, repo: str) -> dict[str, Any]:
    """A pull request that Hob made there."""
    hob.says([MEND], [DONE])
    issue = (await hob.issue(repo, "Doubling is wrong", "@hob fix it"))["number"]
    await hob.comment(repo, issue, "**Done**")
    return (await hob.pulls(repo))[0]


async def test_merged_work_of_who_agreed_is_exported_with_what_a_person_corrected(
    tmp_path: Path, home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path, home, database) as hob:
        hub = hob.hub
        for name, value in {
            "HOB_HOME": str(home), "HOB_DATABASE_URL": database.url, "HOB_GITHUB_URL": hub.api_url,
            "HOB_APP_ID": str(hub.app_id), "HOB_PRIVATE_KEY": hub.private_key,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        await hub.seed_repo(
            "calc", {**FAULTY, ".github/hob.yml": f"{UNITTEST}training: yes\n", "LICENSE": MIT}
        )
        await hub.seed_repo("private", FAULTY)
        pull = await mended(hob, "calc")
        await mended(hob, "private")
        first = await run_export(tmp_path / "open")
        assert first.exit_code == 0, first.output
        assert "left out: its pull request is open" in first.output
        assert "did not agree (`training: yes` in hob.yml)" in first.output

        folder = hub.worktree("calc")
        branch = pull["head"]["ref"]
        await hub.git("fetch", "-q", "origin", f"{branch}:{branch}", cwd=folder)
        better = "def double(x):\n    return 2 * x\n"
        await hub.push_files("calc", {"calc.py": better}, branch=branch)
        at = f"/repos/maintainer/calc/pulls/{pull['number']}"
        thumbs = f"/repos/maintainer/calc/issues/{pull['number']}/reactions"
        await hub.as_maintainer.post(thumbs, {"content": "+1"})
        await hub.as_maintainer.graphql(READY, id=pull["node_id"])
        await hub.as_maintainer.put(f"{at}/merge", {"merge_method": "merge"})

        done = await run_export(tmp_path / "data")
        assert done.exit_code == 0, done.output
        report = await eventually(find_merged_in_experiment, "no pull request is known to be merged")
        assert "+1 -0" in report and "one variant alone" in report
        page = await asyncio.to_thread(read_page, "/learning", database)
        assert "openai/sft-" in page and "did not agree" in page
    rows = [row for each in ("train", "test") for row in read(tmp_path / f"data/openai/sft-{each}.jsonl")]
    [row] = rows
    assert check_messages(row["messages"]) == "" and "finish(" in row["messages"][-1]["content"]
    [pair] = [
        row for each in ("train", "test") for row in read(tmp_path / f"data/trl/preference-{each}.jsonl")
    ]
    assert pair["why"] == "correction" and pair["licence"] == "MIT"
    assert "+    return 2 * x" in pair["chosen"][0]["content"]
    assert "+    return x * 2" in pair["rejected"][0]["content"]
    assert "maintainer/private" not in (tmp_path / "data/README.md").read_text("utf-8")
