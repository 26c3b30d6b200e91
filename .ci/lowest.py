"""Print a pip constraints file that pins each requirement of setup.cfg to its declared lower bound.

`make test-lowest` installs with it. What only other packages require is not pinned: pip takes the newest.
"""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

SETUP = Path(__file__).resolve().parent.parent / "setup.cfg"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(.*)")


def lower_bounds(text: str) -> list[str]:
    """``name==bound`` for each line of a requirement list that has a ``>=``; others are left out."""
    pins = []
    for line in text.splitlines():
        requirement = _REQUIREMENT.fullmatch(line.partition("#")[0].strip())
        bound = re.search(r">=\s*([0-9][0-9A-Za-z.]*)", requirement[2]) if requirement else None
        if requirement and bound:
            pins.append(f"{requirement[1]}=={bound[1]}")
    return pins


def main() -> None:
    """Read setup.cfg and write the constraints to standard output."""
    config = configparser.ConfigParser()
    config.read_string(SETUP.read_text("utf-8"))
    lists = (config["options"]["install_requires"], config["options.extras_require"]["dev"])
    sys.stdout.write("".join(f"{pin}\n" for text in lists for pin in lower_bounds(text)))


if __name__ == "__main__":
    main()
