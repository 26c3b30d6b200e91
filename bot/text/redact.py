"""Take secrets out of whatever leaves the process: logs, transcripts, comments, what the gate lets through.

Two nets. **Known secrets** are found raw, reversed, in rot13, base64, base32, hex and URL encoding, also when
they are wrapped over lines, when something else than letters and digits stands between their characters, or
when only a part of at least 23 characters is there. **Shapes** are found unseen: GitHub's tokens (the long
format with dots, hyphens and underscores too), provider keys, private keys, JWTs.
https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats

Known secrets are searched by their windows of 12 characters: only every twelfth window of a text is looked
up, so a megabyte costs milliseconds, however many secrets there are.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

KNOWN = "known secret"

_WINDOW = 12
_CERTAIN = 2 * _WINDOW - 1  # a run this long always holds one aligned window
_ENOUGH = 20  # a shorter piece of a long secret may be chance
_SHORTEST = 6  # anything shorter would tear up ordinary words
_SHORTEST_BARE = 16  # of letters and digits alone: fewer may be ordinary words in a row
# Characters that nobody sees are separators too where they are written out, as ``bot.text.defuse`` does it.
_SEPARATORS = re.compile(r"(?:[\W_]++(?:(?<=\\)(?:u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}))?)+")
_GAPS = re.compile(r"(?:\s|\\[nrt])+")
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


class Redactor:
    """Knows secrets and shapes of secrets; every method leaves its argument as it was."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known = _KnownForms()
        self._bare = _KnownForms()  # without what is neither letter nor digit
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn a secret; of one with several lines, such as a PEM key, every long line counts by itself.

        That needs no more than the whole: in each encoding a line's windows are among the whole's. Secrets
        under 6 characters are not learnt: taking them out would tear up ordinary words.
        """
        whole = _PEM_LABEL.sub("", secret).strip()
        if len(whole) >= _SHORTEST:
            for form in set(_list_encodings(whole)):
                self._learn(_GAPS.sub("", form))

    def text(self, text: str) -> str:
        """``text`` with each secret replaced by ``[redacted: KIND]``."""
        if self._known.is_in(_squeeze(text)):
            text = _replace_known(text, self._known, _GAPS)
        if self._bare.is_in(_SEPARATORS.sub("", text)):
            text = _replace_known(text, self._bare, _SEPARATORS)
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

        Letters count in any width and style that stands for the plain one (NFKC).
        """
        text = unicodedata.normalize("NFKC", data.replace(b"\0", b"").decode("utf-8", "replace"))
        kinds = {shape.kind for shape in _SHAPES if any(shape.find(text))}
        if self._knows_any(text):
            kinds.add(KNOWN)
        return sorted(kinds)

    def has_split_secret(self, pieces: Iterable[str]) -> bool:
        """Whether pieces that hold no known secret by themselves spell one when they are read in a row."""
        return self._knows_any("".join(pieces))

    def _learn(self, form: str) -> None:
        self._known.add(form)
        bare = _SEPARATORS.sub("", form)
        if len(bare) >= _SHORTEST_BARE:
            self._bare.add(bare)

    def _knows_any(self, text: str) -> bool:
        return self._known.is_in(_squeeze(text)) or self._bare.is_in(_SEPARATORS.sub("", text))


class _KnownForms:
    """Forms of known secrets, to be found in texts from which the same characters were taken out."""

    def __init__(self) -> None:
        self._windows: set[str] = set()
        self._short: set[str] = set()

    def add(self, form: str) -> None:
        """Learn one form."""
        if len(form) < _CERTAIN:
            self._short.add(form)
        else:
            self._windows |= {form[at : at + _WINDOW] for at in range(len(form) - _WINDOW + 1)}

    def is_in(self, squeezed: str) -> bool:
        """Whether any of them is in the text."""
        return next(self.regions(squeezed), None) is not None

    def regions(self, squeezed: str) -> Iterator[tuple[int, int]]:
        """Where known secrets stand in a text without gaps; may overlap."""
        for word in self._short:
            at = squeezed.find(word)
            while at >= 0:
                yield at, at + len(word)
                at = squeezed.find(word, at + len(word))
        windows, done = self._windows, 0
        for at in range(0, len(squeezed) - _WINDOW + 1, _WINDOW) if windows else ():
            if at < done or squeezed[at : at + _WINDOW] not in windows:
                continue
            start, last = at, at
            while start > 0 and squeezed[start - 1 : start - 1 + _WINDOW] in windows:
                start -= 1
            while squeezed[last + 1 : last + 1 + _WINDOW] in windows:
                last += 1
            done = last + _WINDOW
            if done - start >= _ENOUGH:
                yield start, done


def _replace_known(text: str, known: _KnownForms, gaps: re.Pattern[str]) -> str:
    """``text`` with a word in place of each known secret, whatever stands in its gaps."""
    squeezed, origin = _squeeze_with_origin(text, gaps)
    regions = _merge_regions(known.regions(squeezed))
    return _replace(text, ((origin(start), origin(end - 1) + 1) for start, end in regions), KNOWN)


def _replace(text: str, regions: Iterable[tuple[int, int]], kind: str) -> str:
    """``text`` with a word for its secret in place of each region; they stand in order, side by side."""
    pieces, done = [], 0
    for start, end in regions:
        pieces += [text[done:start], f"[redacted: {kind}]"]
        done = end
    return "".join([*pieces, text[done:]])


def _list_encodings(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield secret[::-1]
    yield codecs.encode(secret, "rot13")
    yield raw.hex()
    yield raw.hex().upper()
    yield from {quote(raw, safe=""), quote_plus(raw), re.sub("%..", _lower, quote(raw, safe=""))}
    yield "".join(f"%{byte:02X}" for byte in raw)
    yield "".join(f"%{byte:02x}" for byte in raw)
    yield from _base64_forms(raw)
    yield from _base32_forms(raw)


def _lower(match: re.Match[str]) -> str:
    return match.group().lower()


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What is left of ``raw`` in base64 when unknown bytes stand before and after it, at each alignment."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        start = (0, 2, 3)[before]
        end = (before + len(raw)) * 8 // 6
        core = encoded[start:end]
        if len(core) >= _SHORTEST + 2:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _base32_forms(raw: bytes) -> Iterator[str]:
    """The same in base32, in capitals and in small letters."""
    for before in range(5):
        encoded = base64.b32encode(bytes(before) + raw).decode()
        core = encoded[-(-before * 8 // 5) : (before + len(raw)) * 8 // 5]
        if len(core) >= _SHORTEST_BARE:
            yield core
            yield core.lower()


def _squeeze(text: str) -> str:
    """The text without whitespace and escaped line breaks: a wrapped secret becomes whole."""
    return "".join(text.split()).replace("\\n", "").replace("\\r", "").replace("\\t", "")


def _squeeze_with_origin(text: str, gaps: re.Pattern[str]) -> tuple[str, Any]:
    pieces: list[str] = []
    starts: list[int] = []  # of each piece, in the squeezed text
    origins: list[int] = []  # of each piece, in the text
    at = length = 0
    for gap in [*((match.start(), match.end()) for match in gaps.finditer(text)), (len(text), len(text))]:
        if gap[0] > at:
            pieces.append(text[at : gap[0]])
            starts.append(length)
            origins.append(at)
            length += gap[0] - at
        at = gap[1]

    def origin(position: int) -> int:
        piece = bisect_right(starts, position) - 1
        return origins[piece] + position - starts[piece]

    return "".join(pieces), origin


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
