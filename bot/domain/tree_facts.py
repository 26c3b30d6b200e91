"""What is known of a tree without running it: what is missing, and what its files state about its
environment.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFacts:
    """Read as data, never run.

    ``lfs_files`` are Git LFS pointers and ``submodules`` folders whose content is not here. ``project`` is
    the Python project's name and ``modules`` what its own code is imported as. ``python_setup`` and
    ``node_setup`` are commands that would install what is needed, '' where the tree does not tell.
    ``sayings`` are clauses on what the repository's files state about its environment.
    """

    lfs_files: tuple[str, ...] = ()
    submodules: tuple[str, ...] = ()
    project: str = ""
    modules: tuple[str, ...] = ()
    python_setup: str = ""
    node_setup: str = ""
    sayings: tuple[str, ...] = ()
    has_setup: bool = False

    @property
    def gaps(self) -> tuple[str, ...]:
        """What of the tree is not here, a clause for each kind."""
        found = []
        if self.lfs_files:
            many = len(self.lfs_files) > 1
            noun = (
                f"{len(self.lfs_files)} files are Git LFS pointers" if many else "1 file is a Git LFS pointer"
            )
            found.append(f"{noun} whose content is not here ({_name_first(self.lfs_files)})")
        if self.submodules:
            noun = "are submodules" if len(self.submodules) > 1 else "is a submodule"
            where = (
                "that are not in the sandbox" if len(self.submodules) > 1 else "that is not in the sandbox"
            )
            names = ", ".join(f"`{path}`" for path in self.submodules[:MOST_NAMED])
            more = len(self.submodules) - MOST_NAMED
            found.append(f"{names}{f' and {more} more' if more > 0 else ''} {noun} {where}")
        return tuple(found)


def _name_first(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more
