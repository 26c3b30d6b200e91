"""Which failing tests a request can be about, judged by its words alone."""

from __future__ import annotations

import re
from enum import StrEnum

from bot.domain import Brief
from bot.offline.intent import begins_like_a_feature, names_a_fault, strip_quotes


class Scope(StrEnum):
    """Which failing tests the search may mend. The search knows the tests, this knows the request."""

    ALL = "all"  # every one: the request says that tests fail, or asks for a fix and says no more
    REPORT = "report"  # those that its words or the names of code in it are about
    SYMBOLS = "symbols"  # it asks for something new, with a fault in it: those whose code it names
    NAMED = "named"  # it asks for something else: those whose very name it has


_SUITE = r"(?:tests?|suite|ci|build|pipeline|checks?|pytest|unittest|workflow)"
_BROKEN = r"(?:fail\w{0,4}|broken?|breaks|red|green|pass|passes|passing|crash\w{0,3}|errors?)"
_MENDED = r"(?:fix|fixes|fixed|fixing|mend|repair|solve|resolve|debug|unbreak)"
_BETWEEN = r"(?:[^\w.!?\n]{1,3}\w{1,30}+){0,4}?[^\w.!?\n]{1,3}"  # some words of one sentence
_TESTS_FAIL = re.compile(
    rf"\b(?:{_BROKEN}|{_MENDED}){_BETWEEN}{_SUITE}\b|\b{_SUITE}{_BETWEEN}{_BROKEN}\b"
    r"|\b\d{1,6} (?:failed|failures?|errors?)\b"
    r"|\bget(?:ting)? (?:it|this|everything|things|all) (?:back )?(?:to )?green\b",
    re.I,
)
# "The tests fail" as it is said in other languages: a word of failing or mending, and one of tests.
_MEND_ABROAD = re.compile(
    r"\b(?:corrig\w{0,12}|r[eé]par\w{0,12}|arregl\w{0,12}|[eé]chou\w{0,12}|fall[ao]n?|falhando|erreur\w{0,3}"
    r"|fehl\w{0,16}|schlagen|rot|beheb\w{0,12}|repariere\w{0,3}|kaputt|defekt|conserta\w{0,12}|napraw\w{0,12}"
    r"|исправ\w{0,12}|ошибк\w{0,12}|почин\w{0,12}|пада\w{0,6})\b"
    r"|修|直し|直す|错误|錯誤|失败|失敗|落ち|고쳐|수정|오류|실패|แก้",
    re.I,
)
_TESTS_ABROAD = re.compile(
    r"\b(?:tests?|testes|pruebas?|suite|ci|build|pytest|тест\w{0,12}|testy)\b|测试|測試|テスト|테스트|ทดสอบ",
    re.I,
)
_WISH = re.compile(
    r"\b(?:would (?:also )?be (?:very |really |so |quite )?(?:nice|great|good|helpful|useful|cool|handy|"
    r"lovely|better|neat)|nice to have|feature|i wish|wish ?list|as an? \w{1,30},? i (?:want|need)|"
    r"would (?:like|love)|i'd (?:like|love)|"
    r"how about|enhancement|proposal|rfc|idea|suggestion|support for|is it possible|"
    r"(?:could|can|may|should|shall) (?:we|you|it|hob)|we (?:need|want|should|could|plan)(?! to fix)|"
    r"consider|(?:no|not|never|isn't|aren't) (?:yet )?support\w{0,3}|unsupported|"
    r"no (?:way|option|support|possibility)|"
    r"lacks? (?:a|an|support|any|(?:type )?(?:annotations?|hints?)|types|tests?|documentation|docs?)|"
    r"there is no|for the next release|in future|one day|should also|performance|"
    r"should[^.!?\n]{1,80} (?:as well|too)(?=\W*$)|takes? too long)\b",
    re.I,
)
# Something new, as it is asked for in other languages.
_WISH_ABROAD = re.compile(
    r"\b(?:hinzufüg\w{0,3}|hinzu|füge?t?|unterstütz\w{0,8}|einbauen|ajoute\w{0,3}|ajouter|prise en charge"
    r"|añad\w{0,6}|agreg(?:a|ar|ue)|soporte|adicion\w{0,4}|suporte|aggiung\w{0,4}|supporto|dodaj\w{0,2}"
    r"|добав\w{0,6}|поддержк\w{0,2}|toevoegen|ondersteun\w{0,4})\b"
    r"|添加|增加|支持|追加|対応し|サポート|추가|지원",
    re.I,
)
_CHORE = re.compile(
    r"^\W*+(?:(?:please|kindly|hey|hi|hello|hob|now|also|then|thanks)\b[\s,:!]*+)*"
    r"(?:bump|drop|clean|use|replace|move|delete|remove|let|make|rename|split|merge|extract|inline|convert|cache|"
    r"log|print|type|annotate|test|cover|benchmark|measure|check|run|rerun|show|list|give|send|close|reopen|open|"
    r"assign|label|pin|rewrite|simplify|tidy|reformat|format|sort|switch|turn|provide|offer|expose|accept|"
    r"install|deprecate|update|say|look|see|count|find|search|reduce|increase|speed|tag|archive|"
    r"backport|rebase|revert|squash|commit|push|merge|wait|stop|try|start|begin|prepare|plan|tell|explain|"
    r"teach|train|help|learn|warn|notify|remind|inform|ship|publish|allow|enable|disable|wire|hook|port|"
    r"describe|compare|profile|vendor|lint|sign|register|restructure|reorgani[sz]e|polish|unify|deduplicate)\b",
    re.I,
)
_POLITE = re.compile(
    r"^\W*+(?:can|could|would|will) (?:you|we|hob|someone|somebody)\b(?: please| kindly)?", re.I
)
_TODO = re.compile(
    r"\b(?:should|could|must|needs? to|has to) be (?:documented|typed|annotated|tested|covered|"
    r"configurable|optional|faster|cached|deprecated|async|public|private|renamed|moved|removed|refactored|released|published)\b",
    re.I,
)
_WHETHER = re.compile(r"\b(?:whether|if (?:the |all )?(?:tests?|suite|ci|build))\b", re.I)
_WORKS = re.compile(r"\b(?:works?|right|correct\w{0,3}|again)\b", re.I)
_POINTING_TEXT = (
    "a all an and any are as at be bug can could do does error errors fail failing fails failure failed "
    "fault fix fixed fixing for handle have here hi hey hello hob in is issue it its kindly look make me "
    "mend my now of on one our out please pls problem red repair resolve resolved solve sort take thank "
    "thanks that the them there these they thing this those to up us wrong would you your care broken "
    "broke breaks break work works working not doesn't does debug again into we need something get gets "
    "just go ahead investigate"
)
_POINTING = frozenset(_POINTING_TEXT.split())
_WORD = re.compile(r"[\w'-]+")


def judge_scope(brief: Brief) -> Scope:
    """Which failing tests the request can be about; one that only points is judged by its title."""
    said = strip_quotes(brief.request)
    if _says_only_to_mend(said):
        title = strip_quotes(brief.title)
        if title == said or _says_only_to_mend(title):
            return Scope.ALL
        return Scope.ALL if _says_that_tests_fail(title) else _judge_words(title)
    return _judge_words(said)


def _says_only_to_mend(said: str) -> bool:
    """Whether a text has no subject of its own, as "please fix this" has none."""
    return all(word.lower() in _POINTING for word in _WORD.findall(said))


def _says_that_tests_fail(said: str) -> bool:
    return bool(_TESTS_FAIL.search(said) or (_MEND_ABROAD.search(said) and _TESTS_ABROAD.search(said)))


def _judge_words(said: str) -> Scope:
    said = _POLITE.sub("", said)
    new = begins_like_a_feature(said)
    if _WHETHER.search(said) or _TODO.search(said):
        return Scope.NAMED
    if _says_that_tests_fail(said):
        return Scope.NAMED if new else Scope.ALL
    if new:
        return Scope.SYMBOLS if names_a_fault(said) else Scope.NAMED
    if _CHORE.match(said):
        return Scope.REPORT if names_a_fault(said) or _WORKS.search(said) else Scope.NAMED
    if _WISH.search(said) or _WISH_ABROAD.search(said):
        return Scope.SYMBOLS if names_a_fault(said) else Scope.NAMED
    if said.rstrip(" !.").endswith("?") and not names_a_fault(said):
        return Scope.NAMED
    return Scope.REPORT
