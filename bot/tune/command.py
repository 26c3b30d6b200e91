"""``hob tune``: read histories, learn, say what it gained, write the weights."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import UserError
from bot.eval.real.history import find_fixes, read_texts
from bot.git.mirror import git_directory
from bot.guest.mend.learned.weights import SHIPPED, VERSION, load_weights
from bot.training.licence import LICENCE_FILES, name_licence
from bot.tune.choices import Choice, Tally, make_choices
from bot.tune.patterns import find_patterns
from bot.tune.train import HANDMADE, Gain, learn_weights, measure_gain, require_libraries

FILE = "weights.json"
PATTERNS = "patterns.json"
LEAST_CHOICES = 5  # fewer teach nothing

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What was learned, from what, and what it gains on what was held out."""

    path: Path
    weights: dict[str, float]
    gain: Gain
    sources: tuple[dict[str, Any], ...]


def tune(
    repos: Sequence[Path],
    into: Path,
    *,
    tell: Tell,
    most: int,
    lines: int,
    since: str = "",
    fresh: bool = False,
) -> Tuned:
    """Learn from the histories and write ``weights.json`` into the folder ``into``.

    ``most`` fixes of each repository are taken, the newest, of at most ``lines`` changed lines. It starts
    from the weights that Hob comes with, or with ``fresh`` from none. Raises UserError.
    """
    require_libraries()
    start = dict(HANDMADE) if fresh else load_weights(own=SHIPPED) or dict(HANDMADE)
    choices: list[Choice] = []
    sources = []
    tally = Tally()
    for path in repos:
        fixes = [fix for fix in find_fixes(path, since) if fix.lines <= lines][:most]
        made = list(make_choices(fixes, tally))
        choices += made
        licence = read_licence(path)
        name = fixes[0].repo if fixes else path.resolve().name
        sources.append({"repository": name, "licence": licence, "fixes": len(fixes), "choices": len(made)})
        tell(f"{name} ({licence}): {len(fixes)} small fixes; a template makes {len(made)} of their places")
    if len(choices) < LEAST_CHOICES:
        raise UserError(
            f"{len(choices)} places of fixes that a template makes are too few to learn from: "
            f"name more repositories, or allow more fixes of each with --most"
        )
    gain = measure_gain(choices, start)
    weights = learn_weights(choices, start)
    tell(f"{tally.places} changed places: {len(choices)} made by a template, {len(tally.missed)} by none, "
         f"{tally.too_long} too long")  # fmt: skip
    tell(gain.text)
    path = into / FILE
    patterns = find_patterns(tally.missed)
    rows = [asdict(each) | {"seen": len(each.sources)} for each in patterns]
    tell(f"{len(patterns)} edits that no template makes, each in fixes of several repositories")
    _write(into / PATTERNS, {"patterns": rows})
    _write(path, {"version": VERSION, "made": _describe(sources, choices, gain), "weights": weights})
    return Tuned(path=path, weights=weights, gain=gain, sources=tuple(sources))


def describe_tuned(tuned: Tuned) -> dict[str, Any]:
    """What was learned as JSON, for the dashboard; the weights themselves are in their file."""
    return {
        "path": str(tuned.path),
        "weights": len(tuned.weights),
        "gain": tuned.gain.text,
        "sources": list(tuned.sources)[:100],
    }


def _describe(sources: Sequence[dict[str, Any]], choices: Sequence[Choice], gain: Gain) -> dict[str, Any]:
    by_template = Counter(choice.templates[0] for choice in choices)
    return {
        "at": datetime.now(UTC).date().isoformat(),
        "sources": list(sources),
        "templates": dict(by_template.most_common()),
        "held_out": asdict(gain),
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    """Whole or not at all: a run may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
    beside.replace(path)


def read_licence(path: Path) -> str:
    """What the licence file of ``HEAD`` is, "none" where there is no such file."""
    found = read_texts(git_directory(path), [f"HEAD:{name}" for name in (*LICENCE_FILES, "LICENSE.rst")])
    return name_licence(next(iter(found.values()))) if found else "none"
