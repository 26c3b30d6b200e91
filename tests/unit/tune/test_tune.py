"""``hob tune`` as a person uses it, and the order that it gives to the search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.eval.real.history import Fix, SourceChange
from bot.guest.mend.candidates import Candidate, propose
from bot.guest.mend.learned.weights import load_weights, rank_candidates
from bot.guest.mend.localise import Findings, Suspect
from bot.guest.mend.site import Clues
from bot.guest.mend.source import Source
from bot.training.licence import name_licence
from bot.tune.choices import Choice, Tally, make_choices
from bot.tune.train import HANDMADE, find_rank, learn_weights, measure_gain
from tests.support.fix_history import RIGHT, make_fix_history


def test_a_repositorys_own_fixes_become_weights(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    repo = make_fix_history(tmp_path / "shop")
    done = CliRunner().invoke(main, ["tune", str(repo), "--fresh"])
    assert done.exit_code == 0, done.output
    assert "shop (MIT): 6 small fixes; a template makes 6 of their places" in done.output
    assert "held-out choices" in done.output
    written = home / "tuned" / "weights.json"
    data = json.loads(written.read_text())
    assert data["made"]["sources"] == [{"repository": "shop", "licence": "MIT", "fixes": 6, "choices": 6}]
    weights = load_weights(own=written)
    assert weights == data["weights"]

    wrong = RIGHT.replace("amount >= limit", "amount > limit")
    source = Source("shop.py", wrong)
    lines = [Suspect(path="shop.py", line=line, score=1.0, function="discount") for line in (6, 7, 8)]
    findings, clues = Findings(suspects=lines, sources={"shop.py": source}), Clues()
    plain = propose(findings, clues)
    assert place_of_fix(rank_candidates(plain, findings, clues, "", weights)) <= place_of_fix(plain)


def place_of_fix(candidates: list[Candidate]) -> int:
    return next(at for at, each in enumerate(candidates) if any(edit.new == ">=" for edit in each.edits))


def test_a_history_without_fixes_is_refused_by_name(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_HOME", str(home))
    repo = make_fix_history(tmp_path / "shop")
    done = CliRunner().invoke(main, ["tune", str(repo), "--since", "2090-01-01"])
    assert done.exit_code == 2
    assert "0 places of fixes that a template makes are too few to learn from" in done.output
    assert not (home / "tuned").exists()


def test_half_of_a_move_is_no_removal(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    line = '    if points >= best:\n        return "a"\n'
    removed = RIGHT.replace(line, "")
    assert removed != RIGHT
    alone = make_fix(repo, RIGHT, removed)
    moved = make_fix(
        repo, RIGHT, removed.replace("    if hour >= closing:", "    hour += 1\n    if hour >= closing:")
    )
    assert [each.templates for each in make_choices([alone], Tally())] != []
    tally = Tally()
    assert all(
        not each.features[at].get("edit:removes")
        for each in make_choices([moved], tally)
        for at in each.right
    )
    assert tally.places == 1


def test_a_comment_that_a_fix_adds_does_not_hide_which_edit_it_is(tmp_path: Path) -> None:
    repo = make_fix_history(tmp_path / "shop")
    wrong = RIGHT.replace("points >= best", "points > best")
    told = RIGHT.replace("points >= best:", 'points >= best:  # the best mark counts (it\'s "fair")')
    (choice,) = make_choices([make_fix(repo, wrong, told)], Tally())
    assert choice.templates == ("comparison",)


def make_fix(repo: Path, before: str, after: str) -> Fix:
    change = SourceChange(path="shop.py", before=before, after=after)
    return Fix(
        repo="shop", path=repo, commit="c", parent="p", request="", sources=(change,), tests=(), lines=2
    )


def test_a_licence_that_names_others_is_told_by_its_own_name() -> None:
    assert (
        name_licence("Mozilla Public License Version 2.0 ... GNU Affero General Public License, Version 3")
        == "MPL-2.0"
    )


def choice(repo: str, right: int) -> Choice:
    features = tuple(
        {"log:edit": -float(at), "template:good" if at == right else "template:bad": 1.0} for at in range(6)
    )
    return Choice(repo=repo, commit="c", features=features, right=(right,), templates=("good",))


def test_what_is_right_elsewhere_comes_earlier_here() -> None:
    choices = [choice(repo, right) for repo in "abc" for right in (2, 3, 4)]
    gain = measure_gain(choices, HANDMADE, 0.1)
    assert (gain.choices, gain.later) == (9, 0)
    assert gain.earlier == 9 and gain.reciprocal_after > gain.reciprocal_before
    assert find_rank(choice("d", 4), HANDMADE) == 5
    assert find_rank(choice("d", 4), learn_weights(choices, HANDMADE, 0.1)) == 1


def test_held_firmly_the_weights_stay_where_they_are() -> None:
    assert learn_weights([choice("a", 3)], HANDMADE, 1e6) == HANDMADE


def test_own_weights_that_cannot_be_read_leave_those_that_came_with_hob(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own.json", tmp_path / "shipped.json"
    shipped.write_text('{"version": 1, "weights": {"log:edit": 2}}')
    for text in ("", "{", "[]", '{"version": 2, "weights": {}}', '{"version": 1, "weights": {"a": "b"}}'):
        own.write_text(text)
        assert load_weights(own, shipped) == {"log:edit": 2.0}
    own.write_text('{"version": 1, "weights": {}}')
    assert load_weights(own, shipped) == {}


def test_without_weights_the_order_is_the_templates_own() -> None:
    source = Source("shop.py", RIGHT)
    findings = Findings(
        suspects=[Suspect(path="shop.py", line=6, score=1.0, function="")], sources={"shop.py": source}
    )
    plain = propose(findings, Clues())
    assert rank_candidates(plain, findings, Clues(), "", {}) == plain
    assert {each.edits for each in rank_candidates(plain, findings, Clues(), "discount", HANDMADE)} == {
        each.edits for each in plain
    }
