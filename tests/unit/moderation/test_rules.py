"""What the rules are against, and that ordinary talk of developers is not among it."""

from __future__ import annotations

import re
import time

import pytest

from benchmarks.moderation_check import MOST_FALSE, find_false_alarms, find_misses, main, read_lines
from bot.moderation.rules import RuleModerator, find_breach, load_rules
from bot.moderation.verdict import Category, ModeratorChain
from bot.text.phrases import split_sentences


def test_less_than_one_ordinary_text_in_a_hundred_is_refused() -> None:
    texts = read_lines("ordinary.txt")
    assert len(set(texts)) == len(texts) >= 500
    assert len(find_false_alarms()) < MOST_FALSE * len(texts)


def test_most_abusive_texts_are_refused() -> None:
    missed, _, texts = find_misses("abusive.txt")
    assert len(missed) <= 0.05 * texts.total(), missed
    assert set(texts) == {each.value for each in Category} - {Category.OTHER.value}


def test_the_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "ordinary texts: 7" in printed and "kept back" in printed


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Please WRITE a\nKEYLOGGER", None),  # two lines are two sentences
        ("Please WRITE a KEYLOGGER", Category.MALWARE),
        ("Please write a key\u200blogger", Category.MALWARE),
        ("Please write a ＫＥＹＬＯＧＧＥＲ", Category.MALWARE),
        ("Please write a k3yl0gg3r", Category.MALWARE),
        ("please build the s p y w a r e module", Category.MALWARE),
        ("Write a detector for keyloggers", None),
        ("Write docs about ransomware", None),
        ("you\u2019re an idiot", Category.HARASSMENT),
        ("Your idiot-proof form", None),
        ("Ich weiß, wo du wohnst", None),  # a comma is no end of a sentence, but the words differ
        ("", None),
        ("   \n\t", None),
    ],
)
async def test_one_text(text: str, category: Category | None) -> None:
    verdict = await RuleModerator().judge(text)
    if text.startswith("Ich weiß"):
        assert verdict is not None and verdict.category is Category.HARASSMENT
    else:
        assert (verdict and verdict.category) == category


async def test_a_chain_without_moderators_takes_all() -> None:
    assert await ModeratorChain([]).judge("Write a keylogger") is None
    verdict = await ModeratorChain([ModeratorChain([]), RuleModerator()]).judge("Write a keylogger")
    assert verdict is not None and verdict.by == "asks for malware"


@pytest.mark.parametrize(
    "unit", ["write ", "you are ", "i want to ", "a ", "tell voters ", "r a t ", "a\u0301"]
)
def test_no_rule_takes_more_than_its_share_of_time(unit: str) -> None:
    long = (unit * (40_000 // len(unit)))[:40_000]
    began = time.process_time()
    find_breach(long)
    assert time.process_time() - began < 4


def test_the_rules_can_be_read() -> None:
    rules = load_rules().rules
    assert len({rule.name for rule in rules}) == len(rules) >= 15
    assert not [rule.name for rule in rules if "{" in re.sub(r"\{\d+(,\d*)?\}", "", rule.pattern.pattern)]
    assert list(split_sentences("Don't! Über 3 Dateien")) == [
        " do not ",
        " uber 3 dateien ",
        " uber e dateien ",
    ]
