"""Take secrets out of whatever leaves the process: logs, transcripts, comments, what the gate lets through.

Two nets. **Known secrets** are found raw, reversed, in the encodings of ``bot.text.disguises``, some of them
over each other, in capitals, small and wide letters, also when they are wrapped over lines, when something
else than letters and digits stands between their characters, when they are written one letter a line or
among others, or when only a part of at least 23 characters is there. **Shapes** find secrets that are not
known: GitHub's tokens (the long format with dots, hyphens and underscores too), provider keys, private keys,
JWTs.
https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from bot.text.disguises.encodings import list_encodings, list_plain_forms
from bot.text.disguises.known_forms import SHORTEST, SHORTEST_BARE, KnownForms, ScatteredForms
from bot.text.disguises.letters import (
    GAPS,
    SEPARATORS,
    fold_letters,
    lower_letters,
    make_bare,
    squeeze,
    squeeze_with_origin,
)
from bot.text.disguises.packed import unpack, unpack_text
from bot.text.disguises.readings import decode_escapes, fold_digits, join_pieces, list_disguises

KNOWN = "known secret"
TOKEN_SECONDS = 7200.0  # a token ends after an hour at GitHub; twice that, for texts that are late

_PEM_LABEL = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")

_PEM_END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"


class _Shape(NamedTuple):
    """How secrets of one kind look. ``literal`` must be there for the pattern to have a chance."""

    kind: str
    literal: str
    pattern: re.Pattern[str]
    needs: tuple[re.Pattern[str], ...] = ()  # what must be in a match too, so that it is one

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the text has such a secret."""
        for match in self.pattern.finditer(text) if self.literal in text else ():
            if all(need.search(match.group()) for need in self.needs):
                yield match.span()


# No pattern looks at one character again for each place where a secret may begin: texts are a stranger's.
_SHAPES: tuple[_Shape, ...] = (
    _Shape("GitHub token", "gh", re.compile(r"gh[sopur]_[A-Za-z0-9._-]{36,}")),
    _Shape("GitHub token", "github_pat_", re.compile(r"github_pat_[A-Za-z0-9_]{22,}")),
    _Shape(
        "model provider key",
        "sk-",
        re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}"),
        (re.compile("[0-9]"), re.compile("[A-Z]")),
    ),
    _Shape("AWS key", "A", re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")),
    _Shape(
        "private key",
        "PRIVATE KEY",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            rf"(?:(?:[^-]|-(?!----BEGIN )){{20,16384}}?{_PEM_END}"
            r"|(?:(?:\s|\\[nr])++[A-Za-z0-9+/=]{32,}+)+)",
        ),
    ),
    _Shape(
        "JWT",
        "eyJ",
        re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{13,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}"),
        (re.compile(r"\A[A-Za-z0-9_-]*?eyJ[A-Za-z0-9_-]{10}"),),
    ),
    _Shape("Slack token", "xox", re.compile(r"xox[abeprs]-[A-Za-z0-9-]{16,}")),
    _Shape("Google key", "AIza", re.compile(r"AIza[0-9A-Za-z_-]{35}")),
    _Shape("GitLab token", "glpat-", re.compile(r"glpat-[A-Za-z0-9_-]{20,}")),
    _Shape("npm token", "npm_", re.compile(r"npm_[A-Za-z0-9]{36}")),
    _Shape("payment key", "k_live_", re.compile(r"[sr]k_live_[A-Za-z0-9]{20,}")),
)


class _LearntForms(NamedTuple):
    """Forms of the secrets of a process; looked at by any number of redactors, and changed by none."""

    known: KnownForms
    bare: KnownForms  # small letters, without what is neither letter nor digit
    scattered: ScatteredForms
    folded: KnownForms  # bare, with letters in place of digits


@lru_cache(maxsize=4)
def _learn_forms(secrets: tuple[str, ...]) -> _LearntForms:
    """All forms of the secrets; of one with several lines, such as a PEM key, every long line counts by
    itself.

    That needs no more than the whole: in each encoding a line's windows are among the whole's. Secrets under
    6 characters are not learnt: taking them out would tear up ordinary words. A private key takes a tenth of
    a second, so what was learnt last is kept.
    """
    learnt = _LearntForms(KnownForms(), KnownForms(), ScatteredForms(), KnownForms())
    for secret in secrets:
        whole = _PEM_LABEL.sub("", secret).strip()
        if len(whole) < SHORTEST:
            continue
        for form in set(list_encodings(whole)):
            learnt.known.add(GAPS.sub("", form))
            if len(bare := make_bare(form)) >= SHORTEST_BARE:
                learnt.bare.add(bare)
        for bare in {make_bare(form) for form in list_plain_forms(whole)}:
            learnt.scattered.add(bare)
        if len(make_bare(whole)) >= SHORTEST_BARE:
            for form in (whole, whole[::-1]):
                learnt.folded.add(fold_digits(form))
    return learnt


class Redactor:
    """Knows secrets and shapes of secrets; every method leaves its argument as it was."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._learnt = _learn_forms(tuple(secrets))
        self._tokens = KnownForms()  # bare too
        self._ends: deque[tuple[float, str]] = deque()  # of tokens, by this process's clock

    def add_token(self, token: str) -> None:
        """Learn a token that GitHub lets end within the hour, as it is, reversed, in hex and in base64.

        Workers make hundreds of tokens an hour, of 500 characters each. They are forgotten after
        TOKEN_SECONDS, and the rarer encodings are not learnt: with all of them a token took 4 MB.
        """
        now = time.monotonic()
        while self._ends and self._ends[0][0] < now:
            for bare in _list_token_forms(self._ends.popleft()[1]):
                self._tokens.remove(bare)
        for bare in _list_token_forms(token):
            self._tokens.add(bare)
        self._ends.append((now + TOKEN_SECONDS, token))

    def text(self, text: str) -> str:
        """``text`` with each secret replaced by ``[redacted: KIND]``; all of it where one is disguised so
        that its place is unknown.
        """
        if self._learnt.known.is_in(squeeze(text)):
            text = _replace(text, _find_regions(text, self._learnt.known, GAPS), KNOWN)
        bare = make_bare(text)
        for known in (self._learnt.bare, self._tokens):
            if known.is_in(bare):
                text = _replace(text, _find_regions(fold_letters(text), known, SEPARATORS), KNOWN)
        decoded = decode_escapes(text)
        bare = "" if decoded is None else make_bare(decoded[0])
        for known in (self._learnt.bare, self._tokens):
            if decoded and known.is_in(bare):
                plain, origin = decoded
                regions = _find_regions(plain, known, SEPARATORS)
                places = ((origin(start)[0], origin(end - 1)[1]) for start, end in regions)
                text = _replace(text, places, KNOWN)
                decoded = decode_escapes(text)
        if self._is_disguised(text):
            return f"[redacted: {KNOWN}]"
        for shape in _SHAPES:
            if shape.literal in text:
                text = _replace(text, shape.find(text), shape.kind)
        return text

    def value(self, value: Any) -> Any:
        """Recurse into dicts (keys too), lists, tuples, strings, bytes; anything else stays as it is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return b"[redacted]" if self.find_secrets(value) else value
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            items = [self.value(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        return value

    def find_secrets(self, data: bytes) -> list[str]:
        """The sorted kinds of secrets found in ``data``; NULs are skipped so that UTF-16 hides nothing.

        Letters count in any width and style that stands for the plain one (NFKC). What is compressed is
        looked into, as far as ``bot.text.disguises.packed`` can.
        """
        text = unicodedata.normalize("NFKC", data.replace(b"\0", b"").decode("utf-8", "replace"))
        kinds = {shape.kind for shape in _SHAPES if any(shape.find(text))}
        if self._knows_any(text) or any(self._is_plain_in(inner) for inner in unpack(data)):
            kinds.add(KNOWN)
        return sorted(kinds)

    def has_split_secret(self, pieces: Iterable[str]) -> bool:
        """Whether pieces that hold no known secret by themselves spell one: read in a row, by what differs
        between them, or by what of it stands anywhere in them, in any order.
        """
        listed = list(pieces)
        return (
            self._knows_any("".join(listed))
            or self._is_bare_in(make_bare(join_pieces(listed)))
            or self._learnt.scattered.is_spelt(map(make_bare, listed))
        )

    def _knows_any(self, text: str) -> bool:
        if self._learnt.known.is_in(squeeze(text)) or self._is_bare_in(make_bare(text)):
            return True
        decoded = decode_escapes(text)
        return (decoded is not None and self._is_bare_in(make_bare(decoded[0]))) or self._is_disguised(text)

    def _is_bare_in(self, bare: str) -> bool:
        return self._learnt.bare.is_in(bare) or self._tokens.is_in(bare)

    def _is_plain_in(self, data: bytes) -> bool:
        text = data.replace(b"\0", b"").decode("utf-8", "replace")
        return self._learnt.known.is_in(squeeze(text)) or self._is_bare_in(make_bare(text))

    def _is_disguised(self, text: str) -> bool:
        if len(text) < SHORTEST_BARE or not (self._learnt.bare or self._tokens):
            return False
        return (
            any(map(self._is_bare_in, list_disguises(text)))
            or self._learnt.folded.is_in(fold_digits(text))
            or any(map(self._is_plain_in, unpack_text(text)))
        )


def _list_token_forms(token: str) -> set[str]:
    return {bare for form in list_plain_forms(token) if len(bare := make_bare(form)) >= SHORTEST_BARE}


def _find_regions(text: str, known: KnownForms, gaps: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where known secrets stand, whatever stands in their gaps; in order, side by side."""
    squeezed, origin = squeeze_with_origin(text, gaps)
    found = squeezed if gaps is GAPS else lower_letters(squeezed)
    for start, end in _merge_regions(known.regions(found)):
        yield origin(start), origin(end - 1) + 1


def _replace(text: str, regions: Iterable[tuple[int, int]], kind: str) -> str:
    """``text`` with a word for its secret in place of each region; they stand in order, side by side."""
    pieces, done = [], 0
    for start, end in regions:
        pieces += [text[done:start], f"[redacted: {kind}]"]
        done = end
    return "".join([*pieces, text[done:]])


def _merge_regions(regions: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for start, end in sorted(regions):
        if current and start <= current[1]:
            current = current[0], max(end, current[1])
        else:
            if current:
                yield current
            current = start, end
    if current:
        yield current
