"""What the sandbox has: versions of languages and tools, and Python's packages, as one JSON object.

``{"tools": {"node": "v20.1.0"}, "missing": ["go"], "packages": ["pytest 8.3.4"]}``. Each program is asked for
its version once, all at the same time; one that does not answer within seconds is there without a version.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SECONDS = 5.0
MOST_CHARS = 60
MOST_PACKAGES = 80
_VERSION = re.compile(r"\d+(?:\.\d+)+[\w.+-]*")
TOOLS = {
    **dict.fromkeys(("node", "npm", "pnpm", "yarn", "ruby", "php", "perl", "cargo", "rustc"), "--version"),
    **dict.fromkeys(("git", "make", "cmake", "gcc", "dotnet", "mvn", "gradle", "uv", "tox"), "--version"),
    **dict.fromkeys(("rg", "curl", "docker", "psql", "redis-server", "sqlite3", "jq"), "--version"),
    "go": "version",
    "java": "-version",
    "elixir": "--version",
}


def main() -> None:
    """Print the answer."""
    there = {name: path for name in TOOLS if (path := shutil.which(name))}
    with tempfile.TemporaryDirectory() as folder:
        running = {}
        for name, path in there.items():
            with Path(folder, name).open("wb") as output:
                try:
                    running[name] = subprocess.Popen(
                        [path, TOOLS[name]],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                        cwd=folder,
                    )
                except OSError:
                    continue
        deadline = time.monotonic() + SECONDS
        tools = {"python": platform.python_version()}
        for name, process in running.items():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with Path(folder, name).open("rb") as printed:
                found = _VERSION.search(printed.read(4096).decode("utf-8", "replace"))
            tools[name] = found[0][:MOST_CHARS] if found else ""
    missing = [name for name in TOOLS if name not in there]
    print(json.dumps({"tools": tools, "missing": missing, "packages": _list_packages()}))


def _list_packages() -> list[str]:
    """Names and versions of Python's packages, in order."""
    found = {f"{each.name} {each.version}"[:MOST_CHARS] for each in importlib.metadata.distributions()}
    return sorted(found, key=str.lower)[:MOST_PACKAGES]


if __name__ == "__main__":
    main()
