"""Judging a text by the rules of ``rules.yml``, which says what they are and how they are written."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.moderation.verdict import Category, Verdict
from bot.text.phrases import compile_phrases, fill_phrase, join_folded, split_sentences

MOST_CHARS = 200_000  # of a text that are read
_FILE = Path(__file__).with_name("rules.yml")
_BEFORE, _BEHIND = 15, 40  # characters around a demand in which ``unless`` is looked for
# Chinese and Japanese have no spaces between words.
_UNSPACED = re.compile(
    "(?P<malware>(?:写|编写|做|制作|开发|生成|帮我写)[^。！？\n检测防]{0,6}?(?:勒索软件|勒索病毒|木马|键盘记录器|盗号|"
    "病毒程序|钓鱼网站|钓鱼页面)(?!检测|扫描|防护|清除|查杀)|ランサムウェアを(?:作|書)|キーロガーを(?:作|書))"
    "|(?P<weapons>(?:制作|造|做|自制)[^。！？\n]{0,3}?(?:炸弹|炸药|毒气)|爆弾の作り方)"
    "|(?P<selfharm>我想死|我想自杀|自杀方法|怎么自杀|死にたい|自殺したい)"
    "|(?P<harassment>杀了你|去死吧|傻逼|操你妈|你妈死了|死ね|殺してやる)"
)
_UNSPACED_CATEGORIES = {
    "malware": Category.MALWARE,
    "weapons": Category.WEAPONS,
    "selfharm": Category.SELF_HARM,
    "harassment": Category.HARASSMENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A pattern over one sentence as ``split_sentences`` gives it; ``unless`` close to a match ends it."""

    name: str
    category: Category
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules, and the digests of the words that are slurs."""

    rules: tuple[Rule, ...]
    slurs: frozenset[str]


class RuleModerator:
    """Judges by the rules, without asking anybody."""

    async def judge(self, text: str) -> Verdict | None:
        """The first rule that is against the text."""
        return await asyncio.to_thread(find_breach, text[:MOST_CHARS])


def find_breach(text: str) -> Verdict | None:
    """The first rule that is against the text; takes time in proportion to its length."""
    if found := _UNSPACED.search(text):
        return Verdict(category=_UNSPACED_CATEGORIES[found.lastgroup or ""], by="said without spaces")
    return next(_list_breaches(text), None)


@cache
def load_rules() -> Rules:
    """The rules in the file. Raises KeyError, ValueError and re.error for a file that is wrong."""
    written = yaml.safe_load(_FILE.read_text("utf-8"))
    words = {name: join_folded(text) for name, text in written["words"].items()}
    rules = tuple(_build_rule(each, words) for each in written["rules"])
    return Rules(rules=rules, slurs=frozenset(written["slurs"].split()))


def _build_rule(written: Mapping[str, Any], words: Mapping[str, str]) -> Rule:
    name, category = written["name"], Category(written["category"])
    if "phrases" in written:
        unless = compile_phrases([written["unless"]], words) if "unless" in written else None
        pattern = compile_phrases(written["phrases"], words)
        return Rule(name=name, category=category, pattern=pattern, unless=unless)
    verbs = fill_phrase(written.get("verbs", "{make}"), words)
    things = fill_phrase(written["things"], words)
    return Rule(
        name=name,
        category=category,
        pattern=re.compile(rf" (?:{verbs}) (?:[^\W_]{{1,30}} ){{0,7}}?(?:{things}) "),
        unless=compile_phrases([written["unless"]], words),
    )


def _list_breaches(text: str) -> Iterator[Verdict]:
    known = load_rules()
    for sentence in split_sentences(text):
        for rule in known.rules:
            if _matches(rule, sentence):
                yield Verdict(category=rule.category, by=rule.name)
        if any(hash_word(word) in known.slurs for word in sentence.split()):
            yield Verdict(category=Category.HATE, by="a slur")


def _matches(rule: Rule, sentence: str) -> bool:
    for found in rule.pattern.finditer(sentence):
        nearby = sentence[max(0, found.start() - _BEFORE) : found.end() + _BEHIND]
        if rule.unless is None or not rule.unless.search(f" {nearby} "):
            return True
    return False


def hash_word(word: str) -> str:
    """How a slur is kept."""
    return hashlib.sha256(word.encode()).hexdigest()[:16]
