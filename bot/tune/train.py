"""Fits the weights to choices and says what they gain on repositories that were held out.

A conditional logit: of the candidates of one choice the right one's chance is to be high. The weights are
held near those that they start from, so that few fixes change little. numpy and scipy come with scikit-learn,
which is the extra ``tune``; where it is not installed, nothing can be learned, and all else works.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from bot.errors import UserError
from bot.eval.figures import mcnemar
from bot.tune.choices import Choice

HANDMADE: Mapping[str, float] = {"log:suspicion": 1.0, "log:edit": 1.0}  # what counts without learning
HELD = 3.0  # how firmly weights are held near their start; by held-out gain on the shipped model's data
FOLDS = 8
LATEST = 0.3  # of one repository's fixes, held out where there is no other repository
LEAST = 0.02  # a smaller weight is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Where the fix stands among the candidates of held-out choices, before and after learning."""

    choices: int
    median_before: float
    median_after: float
    reciprocal_before: float
    reciprocal_after: float
    earlier: int
    later: int

    @property
    def text(self) -> str:
        """For a person."""
        if not self.choices:
            return "too few fixes to hold some out"
        return (
            f"{self.choices} held-out choices: the fix's median rank {self.median_before:g} -> "
            f"{self.median_after:g}, mean reciprocal rank {self.reciprocal_before:.3f} -> "
            f"{self.reciprocal_after:.3f}; earlier in {self.earlier}, later in {self.later}, "
            f"p = {mcnemar(self.earlier, self.later):.2g}"
        )


def require_libraries() -> None:
    """Raises UserError where the extra is not installed."""
    if importlib.util.find_spec("sklearn") is None:
        raise UserError("hob tune needs scikit-learn: python -m pip install 'hob[tune]'")


def learn_weights(
    choices: Sequence[Choice], start: Mapping[str, float], held: float = HELD
) -> dict[str, float]:
    """The weights that fit the choices best and stay near ``start``. Raises UserError without libraries."""
    require_libraries()
    np, optimize, extraction = map(
        importlib.import_module, ("numpy", "scipy.optimize", "sklearn.feature_extraction")
    )  # not by import statements: they are not there for whoever checks types without the extra
    if not choices:
        return dict(start)
    vectorizer = extraction.DictVectorizer()
    table = vectorizer.fit_transform([dict(each) for choice in choices for each in choice.features])
    names = list(vectorizer.get_feature_names_out())
    origin = np.array([start.get(name, 0.0) for name in names])
    sizes = np.array([len(choice.features) for choice in choices])
    begins = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    right = np.zeros(int(sizes.sum()))
    for begin, choice in zip(begins, choices, strict=True):
        right[begin + np.array(choice.right)] = 1.0

    def judge(weights: Any) -> tuple[float, Any]:
        sums = table @ weights
        sums = np.exp(sums - np.repeat(np.maximum.reduceat(sums, begins), sizes))
        chances = sums / np.repeat(np.add.reduceat(sums, begins), sizes)
        good = np.maximum(np.add.reduceat(chances * right, begins), 1e-300)
        pull = chances - chances * right / np.repeat(good, sizes)
        loss = -np.log(good).sum() + held / 2 * ((weights - origin) ** 2).sum()
        return float(loss), table.T @ pull + held * (weights - origin)

    fitted = optimize.minimize(judge, origin, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    learned = dict(start) | {name: float(value) for name, value in zip(names, fitted.x, strict=True)}
    return {name: round(value, 3) for name, value in sorted(learned.items()) if abs(value) >= LEAST}


def measure_gain(choices: Sequence[Choice], start: Mapping[str, float], held: float = HELD) -> Gain:
    """Learn on some repositories, rank on the others, by turns; within one, learn on its older fixes."""
    ranks: list[tuple[int, int]] = []
    for train, test in _split(choices):
        learned = learn_weights(train, start, held)
        ranks += [(find_rank(each, start), find_rank(each, learned)) for each in test]
    if not ranks:
        return Gain(
            choices=0,
            median_before=0,
            median_after=0,
            reciprocal_before=0,
            reciprocal_after=0,
            earlier=0,
            later=0,
        )
    return Gain(
        choices=len(ranks),
        median_before=median(before for before, _ in ranks),
        median_after=median(after for _, after in ranks),
        reciprocal_before=mean(1 / before for before, _ in ranks),
        reciprocal_after=mean(1 / after for _, after in ranks),
        earlier=sum(after < before for before, after in ranks),
        later=sum(after > before for before, after in ranks),
    )


def _split(choices: Sequence[Choice]) -> list[tuple[list[Choice], list[Choice]]]:
    repos = list(dict.fromkeys(choice.repo for choice in choices))
    if len(repos) == 1:
        newest = round(LATEST * len(choices))  # choices come newest first
        return [(list(choices[newest:]), list(choices[:newest]))] if newest else []
    groups = [set(repos[at::FOLDS]) for at in range(min(FOLDS, len(repos)))]
    return [
        (
            [each for each in choices if each.repo not in group],
            [each for each in choices if each.repo in group],
        )
        for group in groups
    ]


def find_rank(choice: Choice, weights: Mapping[str, float]) -> int:
    """The place of the first right candidate, from 1; of equals, a right one counts as the last."""
    sums = [sum(weights.get(name, 0.0) * value for name, value in each.items()) for each in choice.features]
    best = max(sums[at] for at in choice.right)
    return max(1, sum(each >= best for each in sums) - sum(sums[at] == best for at in choice.right) + 1)
