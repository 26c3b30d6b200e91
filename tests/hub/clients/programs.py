"""Running other people's programs, and saying when they cannot be had."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

SECONDS = 300.0
FETCH_SECONDS = 40.0  # for npm, after which a package counts as one that cannot be had


class CannotBeHad(Exception):
    """A client is not on this machine, and cannot be fetched."""


def require(program: str, where: str) -> None:
    """Raise CannotBeHad, which says ``where`` it is to be had, unless the program is installed."""
    if shutil.which(program) is None:
        raise CannotBeHad(f"{program} is not here. {where}")


async def run(*command: str, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program printed, with ``env`` as its whole environment where that is given.

    Raises AssertionError with what it printed when it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=dict(os.environ if env is None else env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode(errors="replace")
    assert process.returncode == 0, f"{' '.join(command)}\n{text}"
    return text


async def install_from_npm(folder: Path, *packages: str) -> None:
    """Install packages below ``folder``. Raises CannotBeHad where there is no npm, or no registry."""
    require("node", "It is at https://nodejs.org")
    require("npm", "It comes with Node.js")
    (folder / "package.json").write_text('{"private": true}')
    quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            await run("npm", "install", *quiet, *packages, cwd=folder)
    except AssertionError as failed:
        raise CannotBeHad(f"npm cannot fetch it: {failed}") from None
    except TimeoutError:
        raise CannotBeHad(f"npm has not fetched it in {FETCH_SECONDS:.0f} s") from None
