"""The search for a fault in JavaScript, run as in the sandbox: a process on a repository with one bug."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="needs node"),
    pytest.mark.timeout(250),
]
RESULT = "HOB-MEND-RESULT "

# Takes types out of TypeScript and leaves every character where it is, as Node 22 does by itself.
LOADER = """
import { register } from 'node:module'
const code = `
  import { readFile } from 'node:fs/promises'
  import { fileURLToPath } from 'node:url'
  export async function load(url, context, next) {
    if (!/\\\\.ts(\\\\?|$)/.test(url)) return next(url, context)
    const text = await readFile(fileURLToPath(url.split('?')[0]), 'utf8')
    const source = text.replace(/: (number|string|boolean)/g, (types) => ' '.repeat(types.length))
    return { format: 'module', source, shortCircuit: true }
  }`
register('data:text/javascript,' + encodeURIComponent(code))
"""


def search(folder: Path, command: str, *arguments: str, files: dict[str, str]) -> dict[str, Any]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    words = (sys.executable, "-I", str(ROOT / "bot" / "guest" / "mend_js"), "--test", command)
    done = subprocess.run(
        (*words, "--seconds", "30", *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    assert lines, done.stdout + done.stderr
    assert {
        name: (folder / name).read_text() for name in files
    } == files  # the search leaves everything as it was
    told: dict[str, Any] = json.loads(lines[0].removeprefix(RESULT))
    return told


def test_typescript_whose_types_are_taken_out_on_loading(tmp_path: Path) -> None:
    files = {
        "strip.mjs": LOADER,
        "src/grade.ts": (
            "export function grade(points: number, most: number): string {\n"
            "  const share: number = points / most\n"
            "  if (share > 0.9) return 'A'\n"
            "  return share > 0.5 ? 'B' : 'C'\n}\n"
        ),
        "test/grade.test.ts": (
            "import test from 'node:test'\nimport assert from 'node:assert'\n"
            "import { grade } from '../src/grade.ts'\n\n"
            "test('A', () => assert.equal(grade(95, 100), 'A'))\n"
            "test('A from nine tenths on', () => assert.equal(grade(90, 100), 'A'))\n"
            "test('B', () => assert.equal(grade(60, 100), 'B'))\n"
            "test('C', () => assert.equal(grade(50, 100), 'C'))\n"
        ),
    }
    told = search(tmp_path, "node --import ./strip.mjs --test test/grade.test.ts", files=files)
    assert told["outcome"] == "mended", told
    assert told["edits"][0]["path"] == "src/grade.ts"
    assert told["edits"][0]["after"] == "  if (share >= 0.9) return 'A'\n"
    assert told["turned"] == ["test/grade.test.ts > A from nine tenths on"]


def test_a_script_that_only_asserts(tmp_path: Path) -> None:
    files = {
        "index.js": "exports.first = (list) => list[1]\nexports.last = (list) => list[list.length - 1]\n",
        "check.js": (
            "const assert = require('assert')\nconst { first, last } = require('./index.js')\n"
            "assert.equal(last([1, 2]), 2)\nassert.equal(first([7]), 7)\nassert.equal(first([3, 4]), 3)\n"
        ),
    }
    told = search(tmp_path, "node check.js", files=files)
    assert told["outcome"] == "mended", told
    assert told["edits"][0]["after"] == "exports.first = (list) => list[0]\n"
    assert told["tests"]["failing"] == ["node check.js"]


def test_a_test_that_passes_now_and_then_is_no_ground_for_a_claim(tmp_path: Path) -> None:
    files = {
        "index.js": "exports.f = () => 1\n",
        "a.test.js": (
            "const test = require('node:test')\nconst fs = require('fs')\n"
            "test('now and then', () => {\n"
            "  const n = Number(fs.existsSync('n') && fs.readFileSync('n', 'utf8'))\n"
            "  fs.writeFileSync('n', String(n + 1))\n"
            "  require('assert').equal(n % 2, require('./index.js').f())\n})\n"
        ),
    }
    assert search(tmp_path, "node --test a.test.js", files=files)["outcome"] == "flaky"


def test_what_does_not_run_is_said(tmp_path: Path) -> None:
    told = search(tmp_path, "node --no-such-option x.js", files={"x.js": "require('assert')(false)\n"})
    assert told["outcome"] == "cannot_run"
    assert told["reason"] == "it ends with exit code 9, and no program of Node's ran a test that fails"
