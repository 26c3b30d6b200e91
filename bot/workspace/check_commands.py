"""Which of the repository's own checks to run: those of hob.yml, else those that the tree declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import CheckCommand
from bot.repo_config import RepoConfig
from bot.workspace.find_checks.find import find_all_checks
from bot.workspace.find_checks.others import list_unknown_checks
from bot.workspace.find_checks.runner import guess_runner
from bot.workspace.find_checks.tree import FoundCheck, Tree

MOST_CHECKS = 12  # that are run where hob.yml names none
MOST_NAMED = 20  # of those beyond


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommands:
    """The checks to run, in this order, and what is not run and why."""

    checks: tuple[CheckCommand, ...] = ()
    not_run: tuple[str, ...] = ()

    @property
    def test(self) -> str:
        """The command of the first check that runs tests, or ''."""
        return next((check.command for check in self.checks if not check.lint), "")

    @property
    def more_tests(self) -> tuple[str, ...]:
        """The commands of the checks that run tests, after the first."""
        return tuple(check.command for check in self.checks if not check.lint)[1:]

    @property
    def lint(self) -> str:
        """The command of the first check that looks at style alone, or ''."""
        return next((check.command for check in self.checks if check.lint), "")


def find_check_commands(config: RepoConfig, tree: Tree) -> CheckCommands:
    """The commands for a tree, of which the files that ``list_manifests`` names are read."""
    checks: list[CheckCommand] = []
    missing: list[str] = []
    if config.test:
        checks.append(CheckCommand(name="test", command=config.test, runner=guess_runner(config.test)))
    else:
        found = find_all_checks(tree)
        checks += _name_checks(found[:MOST_CHECKS])
        missing += _list_left(found[MOST_CHECKS:])
        if not any(check.label.split()[0] in ("make", "just", "task") for check in found):
            missing += list_unknown_checks(tree)
        if not found and not missing:
            missing.append("tests, since none were found; name the command as `test` in `.github/hob.yml`")
    if config.lint:
        checks.append(CheckCommand(name="lint", command=config.lint, lint=True))
    else:
        missing.append("a linter, since `.github/hob.yml` names none as `lint`")
    return CheckCommands(checks=tuple(checks), not_run=tuple(missing))


def _name_checks(found: Sequence[FoundCheck]) -> list[CheckCommand]:
    """A name for each that no other has; a single check is called "test"."""
    names = ["test"] if len(found) == 1 and not found[0].folder else [_label(check) for check in found]
    seen: Counter[str] = Counter()
    checks = []
    for check, name in zip(found, names, strict=True):
        seen[name] += 1
        unique = f"{name} ({seen[name]})" if seen[name] > 1 else name
        checks.append(CheckCommand(name=unique, command=check.line, runner=check.runner, folder=check.folder))
    return checks


def _label(check: FoundCheck) -> str:
    return f"{check.folder}: {check.label}" if check.folder else check.label


def _list_left(left: Sequence[FoundCheck]) -> list[str]:
    """Those beyond the number that is run, by name."""
    if not left:
        return []
    named = ", ".join(_label(check) for check in left[:MOST_NAMED])
    more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    why = f"only the first {MOST_CHECKS} checks are; name one command for all as `test` in `.github/hob.yml`"
    return [f"{named}{more}, since {why}"]
