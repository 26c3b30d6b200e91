"""Projects in several languages build and pass their tests inside, with what the machine has below /usr."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import open_sandbox
from sandbox.spec import Command, Limits, MiB, Policy

pytestmark = pytest.mark.timeout(400)

LIMITS = Limits(command_seconds=120, memory_bytes=1024 * MiB, workspace_bytes=256 * MiB)

PYTHON = {
    "src/sums/__init__.py": "def total(numbers):\n    return sum(numbers)\n",
    "tests/test_sums.py": "from sums import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
}
NODE = {
    "package.json": '{"name": "sums", "scripts": {"test": "node --test"}}',
    "sums.js": "exports.total = (numbers) => numbers.reduce((a, b) => a + b, 0);\n",
    "sums.test.js": "const test = require('node:test'); const assert = require('node:assert');\n"
    "test('total', () => assert.strictEqual(require('./sums').total([1, 2]), 3));\n",
}
RUST = {
    "Cargo.toml": '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub fn total(numbers: &[i64]) -> i64 {\n    numbers.iter().sum()\n}\n\n"
    "#[test]\nfn adds() {\n    assert_eq!(total(&[1, 2]), 3);\n}\n",
}


def project(tmp_path: Path, files: dict[str, str]) -> Path:
    base = tmp_path / "base"
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    return base


async def ran(tmp_path: Path, files: dict[str, str], policy: Policy, script: str):
    sandbox = await open_sandbox(
        layers=[project(tmp_path, files)], policy=policy, scratch=tmp_path / "scratch"
    )
    try:
        return await sandbox.run(Command(argv=("sh", "-ec", script)))
    finally:
        await sandbox.aclose()


def needs(program: str) -> None:
    """Skip, plainly, where the machine has no such program that a sandbox would see."""
    found = shutil.which(program, path="/usr/bin:/usr/local/bin")
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        pytest.skip(f"this machine has no {program} below /usr: apt install nodejs, or cargo")


async def test_a_python_project(tmp_path, tooling):
    policy = Policy(limits=LIMITS, mounts=tooling.mounts, path=tooling.path, env=tooling.env)
    policy = replace(policy, env=(*policy.env, ("PYTHONPATH", "/workspace/src")))
    done = await ran(tmp_path, PYTHON, policy, "python -m compileall -q src && python -m pytest -q")
    assert done.ok and "1 passed" in done.text, done.text


async def test_a_node_project(tmp_path):
    needs("node")
    done = await ran(tmp_path, NODE, Policy(limits=LIMITS), "node --check sums.js && node --test")
    assert done.ok and "pass 1" in done.text, done.text


async def test_a_rust_project(tmp_path):
    needs("cargo")
    script = "cargo build --offline -q && cargo test --offline"
    done = await ran(tmp_path, RUST, Policy(limits=LIMITS), script)
    assert done.ok and "1 passed" in done.text, done.text
