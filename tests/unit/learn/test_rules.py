"""From corrections to a rule: on three pull requests, once, and written into AGENTS.md."""

from __future__ import annotations

from itertools import count

import pytest

from bot.learn.propose import render_proposal
from bot.learn.rules import HEADING, add_rule, find_rules, is_written, render_replacement, render_rule
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule

MONEY = "Use Decimal for money, not float."
_numbers = count()


def correct(
    pull: int, words: str = MONEY, *, kind: CorrectionKind = CorrectionKind.SAID, path: str = ""
) -> Correction:
    number = next(_numbers)
    return Correction(
        source=f"comment:{number}:0",
        kind=kind,
        pull=pull,
        words=words,
        url=f"https://github.test/octo/app/pull/{pull}#issuecomment-{number}",
        person=7,
        login="alice",
        path=path,
    )


def make_rule(
    words: str = MONEY, *, kind: CorrectionKind = CorrectionKind.SAID, path: str = ""
) -> ProposedRule:
    (rule,) = find_rules([correct(pull, words, kind=kind, path=path) for pull in (1, 2, 3)], [])
    return rule


def test_three_pull_requests_make_a_rule_and_three_times_on_one_do_not() -> None:
    assert find_rules([correct(1), correct(1), correct(1), correct(2)], []) == []
    (rule,) = find_rules([correct(1), correct(2, "never use floats for money, but Decimal"), correct(3)], [])
    assert rule.words == MONEY and sorted(seed.pull for seed in rule.seeds) == [1, 2, 3]


def test_it_is_proposed_once_whatever_became_of_it() -> None:
    rule = make_rule()
    assert find_rules([correct(pull) for pull in (4, 5, 6)], [rule]) == []
    other = [correct(pull, "Prefer Decimal over float for money") for pull in (7, 8, 9)]
    assert find_rules(other, [rule]) == []


def test_only_what_is_like_the_middle_is_of_the_group() -> None:
    chain = ["Sort imports by name alpha", "Sort imports by alpha beta", "Sort beta gamma imports by alpha"]
    far = correct(9, "Sort beta gamma delta")
    (rule,) = find_rules([far, *(correct(n, words) for n, words in enumerate(chain, 1))], [])
    assert rule.words == chain[1] and sorted(seed.pull for seed in rule.seeds) == [1, 2, 3]


def test_kinds_do_not_mix_and_edits_are_the_same_only_exactly() -> None:
    words = render_replacement("print", "log.info")
    edits = [correct(n, words, kind=CorrectionKind.EDITED, path="a.py") for n in (1, 2)]
    assert find_rules([*edits, correct(3, words)], []) == []
    assert find_rules([*edits, correct(3, words, kind=CorrectionKind.EDITED, path="a.js")], []) == []
    rule = make_rule(words, kind=CorrectionKind.EDITED, path="b.py")
    assert render_rule(rule) == "Write `log.info`, not `print` (in `*.py`)."


def test_what_was_turned_down_is_quoted() -> None:
    words = "The name is too short for a public function."
    rule = make_rule(words, kind=CorrectionKind.DISMISSED, path="x/y.py")
    assert render_rule(rule) == f"In reviews do not remark (in `*.py`): {words}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{HEADING}\n\n- {MONEY}\n"),
        ("# Guide\n", f"# Guide\n\n{HEADING}\n\n- {MONEY}\n"),
        ("# Guide", f"# Guide\n\n{HEADING}\n\n- {MONEY}\n"),
        (f"{HEADING}\n\n- One.\n", f"{HEADING}\n\n- One.\n- {MONEY}\n"),
        (f"{HEADING}\n", f"{HEADING}\n\n- {MONEY}\n"),
        (
            f"# A\r\n\r\n{HEADING}\r\n\r\n- One.\r\n\r\n# B\r\n",
            f"# A\r\n\r\n{HEADING}\r\n\r\n- One.\r\n- {MONEY}\r\n\r\n# B\r\n",
        ),
    ],
)
def test_the_file_keeps_what_it_has(before: str, after: str) -> None:
    assert add_rule(before, make_rule()) == after


def test_what_the_files_say_already_is_known() -> None:
    rule = make_rule()
    assert is_written(rule, ["# A\n\n- Never use float for money, use Decimal\n"])
    assert is_written(rule, [add_rule("", rule)])
    assert not is_written(rule, ["Use UTC for times\n", ""])


def test_the_description_quotes_people_and_calls_nobody() -> None:
    text = render_proposal(make_rule("Use @octocat/Decimal for money, fixes #7, not float"), "AGENTS.md")
    assert text.count("@octocat") == text.count("`@octocat/Decimal`") == 4 and "fixes #7" not in text
    for pull in (1, 2, 3):
        assert f"[#{pull}](https://github.test/octo/app/pull/{pull}#issuecomment-" in text
    assert "`alice`" in text and "`learning: true`" in text
