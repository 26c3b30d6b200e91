"""Hob's own interpreter and judges, as a repository's code sees them."""

from __future__ import annotations

import sys

from sandbox.spec import Policy
from sandbox.toolchain import build_toolchain
from tests.support.sandbox import SMALL, base_layer, open_base_sandbox, shell


async def test_python_pytest_coverage_and_ripgrep(tmp_path):
    base_layer(tmp_path)
    (tmp_path / "base" / "test_it.py").write_text("from pkg.one import one\ndef test(): assert one == 1\n")
    tools = build_toolchain(tmp_path / "tools")
    assert build_toolchain(tmp_path / "tools") == tools, "built once"
    policy = Policy(limits=SMALL, mounts=tools.mounts, path=tools.path, env=tools.env)
    async with await open_base_sandbox(tmp_path, policy=policy) as sandbox:
        version = await shell(sandbox, "python -c 'import sys; print(sys.version); print(sys.prefix)'")
        tests = await shell(
            sandbox, "coverage run -m pytest -q -p no:cacheprovider && pytest -q -p no:cacheprovider"
        )
        found = await shell(sandbox, "rg -l 'one = 1'")
        hidden = await shell(
            sandbox, "python -c 'import sandbox'; python -c 'import pyseccomp'; test -w /opt/hob/venv"
        )
        left = {entry.path for entry in sandbox.entries()}
    assert version.text == f"{sys.version}\n/opt/hob/venv\n"
    assert tests.ok and tests.text.count("1 passed") == 2
    assert found.text == "pkg/one.py\n"
    assert not hidden.ok and hidden.text.count("ModuleNotFoundError") == 2
    assert left == {b".coverage"}
