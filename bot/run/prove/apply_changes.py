"""A change set applied to the clean tree of a sandbox."""

from __future__ import annotations

import base64
import json

from bot.domain import ChangeKind, ChangeSet
from bot.errors import UserError
from sandbox.spec import Command, Sandbox

# Applies a change set inside the sandbox, so that the host never writes into a tree it does not control.
_APPLY = """
import binascii, json, os, sys
for path, kind, mode, data in json.load(sys.stdin):
    path = path.encode("utf-8", "surrogateescape")
    folder = os.path.dirname(path)
    if os.path.isdir(path) and not os.path.islink(path):
        import shutil
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    if kind == "deleted":
        try:
            os.removedirs(folder)  # git has no empty folders
        except OSError:
            pass
        continue
    os.makedirs(folder or b".", exist_ok=True)
    data = binascii.a2b_base64(data)
    if mode == 0o120000:
        os.symlink(data, path)
        continue
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode & 0o777)
"""


async def apply_changes(sandbox: Sandbox, changes: ChangeSet) -> None:
    """Make the workspace equal to base plus ``changes``.

    Deletions first: a file may become a folder, a folder a file.
    """
    if not changes:
        return
    ordered = sorted(changes.files, key=lambda change: change.kind is not ChangeKind.DELETED)
    rows = [(c.path, c.kind.value, c.mode, base64.b64encode(c.data).decode()) for c in ordered]
    done = await sandbox.run(
        Command(argv=("python", "-I", "-S", "-c", _APPLY), stdin=json.dumps(rows).encode(), seconds=60)
    )
    if not done.ok:
        raise UserError(
            "The change could not be set up in a clean checkout.", phase="prove", log=done.text[-2000:]
        )
