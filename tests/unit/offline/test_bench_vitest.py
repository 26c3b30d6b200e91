"""The process for quick tries with vitest: one answer for each line, with the files read anew each time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.guest.mend_js.bench import KINDS, PROGRAMS

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")

# Stands for vitest's own program, which a test of this size cannot install: https://vitest.dev/advanced/api/
VITEST = """
import { existsSync, readFileSync } from 'node:fs'
export const parseCLI = (words) => ({ filter: [], options: { globals: words.includes('--globals') } })
export async function startVitest(mode, files, options, overrides) {
  const kept = { file: files[0], lastHMRTimestamp: 0, text: null }
  const own = [['a', kept], ...(existsSync('sum.js') ? [['b', { file: `${process.cwd()}/sum.js` }]] : [])]
  const graph = { idToModuleMap: new Map(own), invalidateModule: (each) => { each.text = null } }
  let found = []
  const run = () => {
    kept.text = kept.text ?? readFileSync(files[0], 'utf8')
    const state = kept.text.includes('right') ? 'pass' : 'fail'
    const test = { type: 'test', name: 'adds', result: { state } }
    const left = { type: 'test', name: 'waits', mode: 'skip' }
    const name = options.pool || 'its own'
    found = [{ result: { state }, tasks: [{ type: 'suite', name, tasks: [test, left] }] }]
  }
  if (!options.globals || options.run || overrides.server.watch !== null) throw new Error('other settings')
  run()
  return {
    projects: [{ server: { moduleGraph: graph } }],
    state: { getFiles: () => found, getUnhandledErrors: () => [], clearErrors() {} },
    rerunFiles: async () => run(),
  }
}
"""


@pytest.mark.parametrize(
    ("source", "pool"),
    [
        ("export const sum = 1", "vmThreads"),
        ("const sum = require('./add')", "threads"),
        ("process.chdir('/')", "its own"),
        ("", "threads"),  # no source is served by vite
    ],
)
def test_each_line_is_a_run_with_the_files_as_they_are_now(tmp_path: Path, source: str, pool: str) -> None:
    if source:
        (tmp_path / "sum.js").write_text(source)
    home = tmp_path / "node_modules" / "vitest"
    home.mkdir(parents=True)
    (home / "node.mjs").write_text(VITEST)
    (home / "vitest.mjs").write_text("")
    (home / "package.json").write_text('{"name": "vitest", "exports": {"./node": "./node.mjs"}}')
    file = tmp_path / "sum.test.js"
    file.write_text("wrong")
    reading, writing = os.pipe()
    argv = ["node", str(home / "vitest.mjs"), "run", "--globals", "--reporter=/x/hob_vitest_report.mjs"]
    asked = {"files": [str(file)], "pattern": "", "argv": argv, "root": str(tmp_path), "answers": writing}
    setting = tmp_path / "bench.json"
    setting.write_text(json.dumps(asked))
    with (
        subprocess.Popen(
            ["node", str(PROGRAMS / "bench_vitest.mjs")],
            stdin=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ, "HOB_MEND_BENCH": str(setting)},
            pass_fds=(writing,),
        ) as process,
        os.fdopen(reading) as answers,
    ):
        os.close(writing)
        assert process.stdin is not None
        told = []
        for text in ("wrong", "right", "wrong"):
            file.write_text(text)
            process.stdin.write(b"\n")
            process.stdin.flush()
            told.append(json.loads(answers.readline()))
        process.stdin.close()
        assert process.wait(timeout=30) == 0
    assert [each["code"] for each in told] == [1, 0, 1]
    assert [each["tests"][f"{pool} > adds"] for each in told] == ["failed", "passed", "failed"]
    assert told[0]["tests"][f"{pool} > waits"] == "skipped"
    assert "vitest" in KINDS
