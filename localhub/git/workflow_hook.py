"""git's proc-receive hook for tokens without the workflows permission: refuses new workflow files.

It runs as a program of its own under ``git receive-pack`` (standard library only), with the pushed objects in
place and no ref moved yet. The protocol is in git's documentation of githooks.
"""

from __future__ import annotations

import subprocess
import sys

ZERO = "0" * 40
WORKFLOWS = ".github/workflows/"


def read_lines() -> list[bytes]:
    """The packet lines up to the next flush."""
    lines: list[bytes] = []
    while True:
        size = int(sys.stdin.buffer.read(4), 16)
        if size == 0:
            return lines
        lines.append(sys.stdin.buffer.read(size - 4).rstrip(b"\n"))


def write(*lines: bytes) -> None:
    """Packet lines, and a flush."""
    for line in lines:
        sys.stdout.buffer.write(b"%04x" % (len(line) + 4) + line)
    sys.stdout.buffer.write(b"0000")
    sys.stdout.buffer.flush()


def workflow_in(new: str) -> str | None:
    """The first workflow file that the new commits of a ref touch."""
    command = ["git", "log", "--format=", "--name-only", "-m", new, "--not", "--all", "--", WORKFLOWS]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return next((line for line in out.splitlines() if line), None)


def main() -> None:
    """Judge every command; what is not refused falls through to git itself."""
    offered = read_lines()[0].partition(b"\0")[2].split()
    write(b"version=1\0" + (b"push-options" if b"push-options" in offered else b""))
    commands = [line.decode().split(" ", 2) for line in read_lines()]
    if b"push-options" in offered:
        read_lines()
    answers = []
    for _, new, ref in commands:
        touched = None if new == ZERO else workflow_in(new)
        if touched is None:
            answers += [f"ok {ref}", "option fall-through"]
        else:
            reason = f"refusing to allow a GitHub App to create or update workflow `{touched}`"
            answers.append(f"ng {ref} {reason} without `workflows` permission")
    write(*(answer.encode() for answer in answers))


if __name__ == "__main__":
    main()
