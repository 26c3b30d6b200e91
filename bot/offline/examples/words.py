"""The words of bug reports that introduce a result: as it is, or as it should be."""

from __future__ import annotations

import re

_RESULT = r"(?:result|value|output|answer|return value|behaviou?r|outcome)"
_VERB = r"(?:return|give|be|equal|yield|produce|result in|evaluate to|print|output|come out as|read|say|show)"
# The same in German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian and Chinese.
_EXPECT_ABROAD = r"""
    \b(?:sollten?|müsste|erwarte[tn]?(?:\ (?:wird|war|wurde|hätte\ ich))?|(?:an)?statt|anstelle\ von
        |au\ lieu\ d(?:e|['’])|plutôt\ que|devrait(?:\ (?:être|renvoyer|retourner|donner|rendre|valoir))?
        |attend(?:ue?|s|ait|ais)?|en\ (?:lugar|vez)\ de|deber[ií]a(?:\ (?:ser|dar|devolver|retornar))?
        |esper(?:o|a|aba|ad[oa]|ava)|em\ vez\ de|deveria(?:\ (?:ser|retornar|dar|devolver))?
        |invece\ di|dovrebbe(?:\ (?:essere|restituire|dare))?|mi\ aspett(?:o|avo)|atteso
        |in\ plaats\ van|zou|verwacht|zamiast|powinn[oa](?:\ (?:być|zwrócić|zwracać))?|oczekiwan[eyao]
        |вместо|долж(?:но|ен|на)(?:\ (?:быть|вернуть|возвращать))?|ожида(?:ется|лось|ю|л))\b
    |应该?(?:返回|输出|得到|是|为)?|應該?(?:返回|是)?|(?:期望|预期|預期)(?:值|结果|輸出)?(?:是|为|為)?"""
_ACTUAL_ABROAD = r"""
    \b(?:liefert|lieferte|gibt|gab|ergibt|renvoie|retourne|donne|rend|devuelve|devolvió|retorna|regresa|da|dá
        |devolve|restituisce|ritorna|dà|geeft|levert|zwraca|daje|возвращает|вернул[ао]?|выда[её]т|да[её]т)\b
    |返回了?|输出了?|得到了?|结果是"""
CUES = re.compile(
    rf"""
    (?P<wrong>\b(?:should|must)(?:n't|\ not|\ never)\ (?:{_VERB}|raise|throw)\b)
    |(?P<expect>\bshouldn't\ (?:it|this|that|the\ {_RESULT})\ (?:{_VERB}|have\ been|raise)\b
        |{_EXPECT_ABROAD}
        |\b(?:should|must|ought\ to|has\ to|is\ supposed\ to|supposed\ to|needs?\ to)
        \ (?:\w{1, 20}ly\ )?
        (?:{_VERB}|have\ (?:been|returned|given)|raise|throw|fail\ with)\b
        |\binstead\ of\b|\brather\ than\b|\bto\ (?:{_VERB}|raise|throw)\b
        |\bexpect(?:ed|s|ing|ation)?\b(?:\ {_RESULT})?(?:\ to\ (?:happen|see|get|be)\b)?\??
            (?:\ (?:is|was|would\ be|an|a)\b|\ ?(?:->|=>|→|==?))?
        |\b(?:correct|right|desired|wanted)(?:\ {_RESULT}(?:\ (?:is|was|would\ be))?|:)
        |\b(?:want|wanted|hoped\ for)\b)
    |(?P<actual>\bactual(?:ly)?\b(?:\ {_RESULT})?(?:\ (?:is|was))?
        |\b(?:returns?|returned|returning|gives?|gave|giving|yields?|yielded|produces?|produced|prints?|printed
            |evaluates?\ to|outputs?|results?\ in|comes?\ out\ as|becomes?|became|got|get|gets|getting|says
            |shows|equals|is|was|are|raises?|raised|throws?|threw|crash(?:es|ed)?\ with|fails?\ with
            |failed\ with|dies\ with|ends\ (?:in|with)|blows\ up\ with)\b
        |{_ACTUAL_ABROAD}
        |->|=>|→|⇒|⟶)
    |(?P<not>,?\ (?:but\ |and\ )?not\b|而不是|而非)
    |(?P<weak>\b(?:where|while|but|whereas|although|though|yet|and|now|then|sondern|aber|mais|sino|pero|mas)\b|[;が는은、。，,])
    |(?P<shown>[!=]=|(?<!!)=(?!=)|\#)
    """,
    re.X | re.I,
)
FILLER = re.compile(
    r"(?:[\s:,*]|\b(?:the|a|an|value|string|text|list|number|integer|float|tuple|dict|set|just|now|only|always|"
    r"me|us|back|empty|back\s+the|still|wrongly|incorrectly|of|as|be|it|is|to|was|returned|that|with|error|"
    r"exception|aber|jedoch|eigentlich|wird|que|de|un|une|una|быть)\b"
    r"(?![\w(]))*",
    re.I,
)
AFTER_RIGHT = re.compile(
    r"\s*(?:(?:is|was|would be|would have been|were)\s+)?"
    r"(?:expected|correct|right|wanted|meant|what i (?:want|expect)\w*|erwartet|richtig|attendu|esperado)\b"
    r"|\s*(?:を期待|であるべき|になるべき|を返すべき|になるはず|のはず|が正しい|が期待|(?:이어|여|해)야"
    r"|[을를] (?:기대|반환해야)|[이가] 맞)",
    re.I,
)
AFTER_WRONG = re.compile(
    r"\s*(?:(?:is|was)\s+(?:wrong|returned|given|incorrect)|(?:comes?|came) (?:back|out)|を返|が返|にな[りる]"
    r"|[을를] 반환)",
    re.I,
)
# Behind ``f(1) -> 2``: what was got in its place, so that the arrow says what is meant.
GOT_INSTEAD = re.compile(
    r"\s{0,3},?\s{0,3}(?:(?:but|yet|however|while)\b,?\s{1,3}(?:(?:i|we|you|it|this)\s{1,3})?"
    r"(?:actually\s{1,3}|now\s{1,3})?(?:returns?|gives?|is|was|gets?|got)"
    r"|(?:(?:i|we|you)\s{1,3})?(?:actually\s{1,3}|now\s{1,3})?(?:gets?|got|getting))\b",
    re.I,
)
ARROWS = frozenset(("->", "=>", "→", "⇒", "⟶"))
ERROR = re.compile(
    r"(?:[A-Za-z_]\w{0,60}\.){0,4}([A-Z]\w{0,60}(?:Error|Exception|Warning|Iteration|Interrupt|Exit))\b"
)
NAMED_ERROR = re.compile(r"(?:[A-Za-z_]\w{0,60}\.){0,4}([A-Z]\w{0,60})\b(?!\()")  # behind "raises"
# A verb around a call: "why does f(1) return 2", "shouldn't f(1) be 3".
ASKED = re.compile(
    r"\b(?:(?P<meant>should(?:n't)?|must|doesn't|didn't|isn't|ought)|does|did|is)\s{1,3}\Z", re.I
)
ASKED_VERB = re.compile(rf"\s{{1,3}}{_VERB}\b", re.I)
# A text without quotes that is no ordinary word: a-b, hello_world, 1.234,50, file.txt.
BARE = re.compile(r"[^\W_]{1,40}(?:[-_/:+@.,]{1,3}[^\W_]{1,40}){1,8}(?=[\s,;.!?)]|$)")
