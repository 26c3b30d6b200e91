"""The projects' own tests are material: some are meant to fail, in copies, in a sandbox."""

from __future__ import annotations

collect_ignore = ["projects"]
