"""A change set applied to the clean tree of a sandbox."""

from __future__ import annotations

import marshal

from bot.domain import ChangeKind, ChangeSet
from bot.errors import UserError
from bot.git.paths import as_bytes
from sandbox.spec import Command, Sandbox

# Applies a change set inside the sandbox, so that the host never writes into a tree it does not control. What
# it is told comes in a form that needs no import to be read, which would take longer than all the rest.
_APPLY = """
import marshal, os, sys
for path, kind, mode, data in marshal.load(sys.stdin.buffer):
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
    if mode == 0o120000:
        os.symlink(data, path)
        continue
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode & 0o777)
"""

_OLD_FORM = 2  # of marshal, which every Python 3 reads


async def apply_changes(sandbox: Sandbox, changes: ChangeSet) -> None:
    """Make the workspace equal to base plus ``changes``.

    Deletions first: a file may become a folder, a folder a file.
    """
    if not changes:
        return
    ordered = sorted(changes.files, key=lambda change: change.kind is not ChangeKind.DELETED)
    rows = [(as_bytes(c.path), str(c.kind.value), c.mode, c.data) for c in ordered]
    told = marshal.dumps(rows, _OLD_FORM)
    done = await sandbox.run(Command(argv=("python", "-I", "-S", "-c", _APPLY), stdin=told, seconds=60))
    if not done.ok:
        raise UserError(
            "The change could not be set up in a clean checkout.", phase="prove", log=done.text[-2000:]
        )
