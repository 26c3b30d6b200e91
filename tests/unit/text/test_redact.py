"""Secrets do not leave, in whatever form they are written; ordinary text stays as it is."""

from __future__ import annotations

import base64
import binascii
import bz2
import codecs
import gzip
import io
import json
import lzma
import random
import secrets
import string
import time
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.text.redact import KNOWN, Redactor
from tests.support import ROOT

LETTERS = string.ascii_letters + string.digits
RANDOM = random.Random(7)


def token(length: int = 520) -> str:
    """An installation token of the format of 2026: an app id, then a JWT; dots, hyphens, underscores."""
    body = "".join(RANDOM.choices(LETTERS + "-_", k=length - 14))
    return f"ghs_12345_{body[:40]}.{body[40:300]}.{body[300:]}-_"


def secret(length: int = 40) -> str:
    return "".join(RANDOM.choices(LETTERS + "+/ :@", k=length)).strip() + "x"


def test_the_long_installation_token_is_taken_whole() -> None:
    leaked = token()
    assert len(leaked) >= 518
    assert Redactor().text(f"before {leaked}, after") == "before [redacted: GitHub token], after"


FORMS = {
    "raw": lambda s: s,
    "reversed": lambda s: s[::-1],
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "url": lambda s: quote(s, safe=""),
    "all percent": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 in the middle, 1": lambda s: base64.b64encode(b"x" + s.encode() + b"after").decode(),
    "base64 in the middle, 2": lambda s: base64.b64encode(b"xy" + s.encode() + b"after").decode(),
    "urlsafe base64": lambda s: base64.urlsafe_b64encode(b"user:" + s.encode()).decode(),
    "wrapped base64": lambda s: base64.encodebytes(s.encode() * 3).decode(),
    "json": lambda s: json.dumps({"a": base64.encodebytes(s.encode() * 3).decode()}),
    "wrapped": lambda s: s[:9] + "\n   " + s[9:],
}


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("length", [8, 16, 23, 40, 500])
def test_known_secrets_are_found_in_every_form(form: str, length: int) -> None:
    known = secret(length)
    redactor = Redactor([secret(30), known])
    written = f"first line\n{FORMS[form](known)}\nlast line"
    clean = redactor.text(written)
    assert "[redacted: known secret]" in clean
    assert clean.startswith("first line\n")
    assert clean.endswith("last line")
    assert redactor.find_secrets(written.encode()) == [KNOWN]
    assert redactor.find_secrets(written.encode("utf-16")) == [KNOWN]
    assert redactor.find_secrets(clean.encode()) == []
    core = FORMS[form](known)[4:-8] if form in ("raw", "reversed", "hex", "HEX", "url") else ""
    assert not core or core not in clean


def test_a_part_of_a_long_secret_is_found() -> None:
    known = secret(60)
    assert known[7:] not in Redactor([known]).text(f"x{known[7:]}x")
    assert Redactor([known]).find_secrets(known[20:43].encode()) == [KNOWN]


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60), st.integers(0, 300))
@settings(max_examples=60, deadline=None)
def test_what_stands_around_a_secret_stays(noise: str, shift: int) -> None:
    known = "Zq9-Zq8_Zq7.Zq6~Zq5!Zq4#Zq3"
    clean = Redactor([known]).text("." * shift + noise + " " + known + " " + noise)
    assert clean == "." * shift + noise + " [redacted: known secret] " + noise


SHAPES = [
    ("GitHub token", "ghp_" + "a1B2" * 9),
    ("GitHub token", "github_pat_" + "a1B2_" * 12),
    ("model provider key", "sk-ant-api03-" + "aB3-_" * 12),
    ("model provider key", "sk-proj-" + "aB3" * 12),
    ("AWS key", "AKIA" + "ABCD1234" * 2),
    ("JWT", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJlLXNpZw"),
    ("private key", "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIE" * 40 + "\n-----END RSA PRIVATE KEY-----"),
    ("private key", "-----BEGIN PRIVATE KEY-----\\n" + "MIIE" * 16 + "\\n" + "abcd" * 16),
]


@pytest.mark.parametrize(("kind", "shape"), SHAPES)
def test_shapes_are_found_without_being_known(kind: str, shape: str) -> None:
    redactor = Redactor()
    assert redactor.text(f"a='{shape}' b") == f"a='[redacted: {kind}]' b"
    assert redactor.find_secrets(shape.encode()) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "def test_ghs_tokens_are_masked(): assert ghs_ in text",
        "task-sk-folding-cube-with-a-long-name and sk-1",
        "Write -----BEGIN PRIVATE KEY----- and then the key; -----END PRIVATE KEY----- comes last.",
        "https://user:password@example.com/x?y=%20z",
        "eyJ is how a JWT begins; a.b.c are its parts",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor([secret(50), "hunter2-and-more"]).text(text) == text


def test_a_private_key_is_known_line_by_line() -> None:
    lines = ["".join(RANDOM.choices(LETTERS, k=64)) for _ in range(5)]
    pem = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"])
    redactor = Redactor([pem])
    assert redactor.text(f"> {lines[2]} <") == "> [redacted: known secret] <"
    assert redactor.text(json.dumps(pem)) == '"[redacted: private key]"'
    assert redactor.text("\n".join(lines)) == "[redacted: known secret]"
    assert redactor.text("-----BEGIN RSA PRIVATE KEY-----") == "-----BEGIN RSA PRIVATE KEY-----"


def test_values_are_cleaned_in_depth_and_the_argument_stays() -> None:
    known = secret()
    value = {"env": {known: [known, 3, None, (known,)]}, "raw": known.encode(), "ok": b"\xff\x00"}
    clean = Redactor([known]).value(value)
    assert known not in repr(clean)
    assert clean["env"]["[redacted: known secret]"][1:3] == [3, None]
    assert clean["ok"] == b"\xff\x00"
    assert known in value["env"]


def test_cleaning_twice_changes_nothing_and_short_words_are_not_secrets() -> None:
    known = secret()
    redactor = Redactor([known, "abc", ""])
    once = redactor.text(f"{known} abc {token()}")
    assert redactor.text(once) == once
    assert "abc" in once


def test_a_megabyte_takes_about_half_a_second() -> None:
    redactor = Redactor([secret(40) for _ in range(20)] + [token()])
    text = " ".join("".join(RANDOM.choices(LETTERS, k=9)) for _ in range(100_000)) + "\n"
    start = time.process_time()
    assert redactor.text(text) == text
    assert redactor.find_secrets(text.encode()) == []
    assert time.process_time() - start < 2.0


SEPARATE = "tK7wqZ2mXv9sRb4nLd6hPj3cFy8gTa5e"
CLOTHES = {
    "zero width": "\u200b".join(SEPARATE),
    "zero width, written out": r"\u200b".join(SEPARATE),
    "controls, written out": r"\x07\U000e0041".join(SEPARATE),
    "hyphens": "-".join(SEPARATE),
    "underscores": "_".join(SEPARATE),
    "in twos": " . ".join(SEPARATE[at : at + 2] for at in range(0, len(SEPARATE), 2)),
    "quoted": '", "'.join(SEPARATE),
    "reversed with dots": ".".join(reversed(SEPARATE)),
    "rot13": codecs.encode(SEPARATE, "rot13"),
    "base32": base64.b32encode(f"a {SEPARATE}".encode()).decode(),
    "base32 in small letters": base64.b32encode(SEPARATE.encode()).decode().lower(),
    "hex with colons": ":".join(f"{byte:02x}" for byte in SEPARATE.encode()),
    "hex with a prefix each": ", ".join(f"\\x{byte:02x}" for byte in SEPARATE.encode()).replace("\\x", ""),
    "escapes of JSON": "".join(f"\\u{ord(c):04x}" for c in SEPARATE),
    "escapes of JSON in capitals, with dots": ".".join(f"\\u{ord(c):04X}" for c in SEPARATE),
    "long escapes": "".join(f"\\U{ord(c):08x}" for c in SEPARATE),
    "escapes of JavaScript": "".join(f"\\u{{{ord(c):x}}}" for c in SEPARATE),
    "escapes of a shell": "".join(f"\\x{ord(c):02x}" for c in SEPARATE),
    "octal escapes": "".join(f"\\{ord(c):03o}" for c in SEPARATE),
    "entities": "".join(f"&#{ord(c)};" for c in SEPARATE),
    "entities in hex": " ".join(f"&#x{ord(c):X};" for c in SEPARATE),
    "a list of numbers": str(list(SEPARATE.encode())),
    "a list of numbers in hex": ", ".join(map(hex, SEPARATE.encode())),
    "the other case": SEPARATE.swapcase(),
    "small letters": SEPARATE.lower(),
    "capitals with blanks": " ".join(SEPARATE.upper()),
    "wide letters": "".join(chr(ord(c) + 0xFEE0) for c in SEPARATE),
    "hex dump": " ".join(SEPARATE.encode().hex()[at : at + 4] for at in range(0, 64, 4)),
}


@pytest.mark.parametrize("worn", CLOTHES.values(), ids=CLOTHES.keys())
def test_known_secrets_are_found_in_other_clothes(worn: str) -> None:
    redactor = Redactor([SEPARATE])
    text = f"before it {worn} after it"
    assert redactor.find_secrets(text.encode()) == ["known secret"]
    redacted = redactor.text(text)
    assert "[redacted: known secret]" in redacted and "before it" in redacted and "after it" in redacted
    assert redactor.has_split_secret([text[:40], text[40:]])


@pytest.mark.parametrize("form", ["raw", "reversed", "hex", "base64"])
def test_pieces_in_any_order_and_company_spell_a_secret(form: str) -> None:
    redactor = Redactor([SEPARATE, secret(60)])
    whole = FORMS[form](SEPARATE)
    pieces = [whole[at : at + 8] for at in range(0, len(whole) - 7, 8)]
    said = [f"Look at {piece}, then go on." for piece in reversed(pieces)]
    assert redactor.has_split_secret(said)
    assert redactor.has_split_secret(["; and ".join(said)])
    assert not redactor.has_split_secret(said[:2])
    assert not redactor.has_split_secret([f"{piece[:5]} and {piece[5:]}x" for piece in reversed(pieces)])


def test_honest_texts_are_no_pieces_of_a_secret() -> None:
    redactor = Redactor([SEPARATE, "internal-service-token-of-the-company", secret(1700)])
    texts = [" ".join("".join(RANDOM.choices(LETTERS, k=9)) for _ in range(30_000))]
    assert not redactor.has_split_secret([*texts, "The internal service has a token.", "A company's own."])


def test_words_that_a_short_secret_is_made_of_stay() -> None:
    redactor = Redactor(["open-sesame"])
    assert redactor.text("open the door, sesame") == "open the door, sesame"
    assert redactor.text("open sesame") == "open sesame"


def _make_token() -> str:
    return "ghs_1234_" + secrets.token_urlsafe(380)


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda token: token[::-1],
        lambda token: token.encode().hex(),
        lambda token: base64.b64encode(b"x-access-token:" + token.encode()).decode(),
        lambda token: "\n".join(token[at : at + 40] for at in range(0, len(token), 40)),
        lambda token: " ".join(token),
        lambda token: token[200:260],
    ],
    ids=["plain", "reversed", "hex", "basic auth", "wrapped", "spaced", "a part"],
)
def test_a_token_is_found_until_it_has_ended(
    spell: Callable[[str], str],
) -> None:
    redactor, token = Redactor(), _make_token()
    redactor.add_token(token)
    said = f"before {spell(token)} after"
    assert "known secret" in redactor.text(said)
    assert token[300:330] not in redactor.text(said)
    assert redactor.find_secrets(said.encode()) != []
    for _ in range(3):
        redactor.add_token(_make_token())
    assert "known secret" in redactor.text(said)


def test_tokens_are_forgotten_after_their_end_and_take_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor, now = Redactor(["a secret of the operator"]), 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    first = _make_token()
    redactor.add_token(first)
    tracemalloc.start()
    for number in range(15):
        now = number * 600.0
        redactor.add_token(_make_token())
    half, _ = tracemalloc.get_traced_memory()
    for number in range(15, 45):
        now = number * 600.0
        redactor.add_token(_make_token())
    whole, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert half < 15 * 600_000
    assert whole < 1.5 * half, "12 of 45 tokens have not ended"
    assert "known" not in redactor.text(" ".join(first[100:]))
    assert "known" in redactor.text("a secret of the operator")


RARE_FORMS = {
    "rot13, reversed": lambda s: codecs.encode(s[::-1], "rot13"),
    "hex, reversed": lambda s: s.encode()[::-1].hex(),
    "base64, reversed": lambda s: base64.b64encode(b"x" + s.encode()[::-1] + b"yz").decode(),
    "base64 twice": lambda s: base64.b64encode(base64.b64encode(s.encode())).decode(),
    "base32hex": lambda s: base64.b32hexencode(s.encode()).decode(),
    "base85": lambda s: base64.b85encode(b"xyz" + s.encode() + b"more").decode(),
    "ascii85": lambda s: base64.a85encode(b"x" + s.encode()).decode(),
    "binary": lambda s: " ".join(f"{b:08b}" for b in s.encode()),
    "chr": lambda s: " + ".join(f"chr({b})" for b in s.encode()),
    "tags": lambda s: "".join(chr(0xE0000 + b) for b in s.encode()),
}


@pytest.mark.parametrize("form", list(RARE_FORMS))
@pytest.mark.parametrize("length", [32, 40, 64])
def test_known_secrets_are_found_in_rare_forms_and_two_over_each_other(form: str, length: int) -> None:
    known = "".join(RANDOM.choices(LETTERS, k=length))
    clean = Redactor([known]).text(f"first line\n{RARE_FORMS[form](known)}\nlast line")
    assert clean.startswith("first line\n") and "[redacted: known secret]" in clean


def _swap_pairs(data: bytes) -> bytes:
    return bytes(byte for at in range(0, len(data) - 1, 2) for byte in (data[at + 1], data[at]))


def _dump(data: bytes, base: str) -> str:
    """Lines of sixteen bytes with their place before them, as programs print them."""
    rows = [(at, data[at : at + 16]) for at in range(0, len(data), 16)]
    match base:
        case "xxd":
            pairs = [(at, " ".join(row[n : n + 2].hex() for n in range(0, 16, 2)), row) for at, row in rows]
            return "\n".join(f"{at:08x}: {text}  {row.decode()}" for at, text, row in pairs)
        case "hexdump":
            swapped = [(at, _swap_pairs(row)) for at, row in rows]
            return "\n".join(
                f"{at:07x} " + " ".join(row[n : n + 2].hex() for n in range(0, 16, 2)) for at, row in swapped
            )
        case "od":
            return "\n".join(
                f"{at:07o} " + " ".join(f"{row[n] | row[n + 1] << 8:06o}" for n in range(0, len(row) - 1, 2))
                for at, row in rows
            )
        case "od -b":
            return "\n".join(f"{at:07o} " + " ".join(f"{byte:03o}" for byte in row) for at, row in rows)
    return "\n".join(f"{at:07o}   " + "   ".join(row.decode()) for at, row in rows)


def _say_in_base(data: bytes, letters: str) -> str:
    number, said = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, len(letters))
        said = letters[rest] + said
    return said


def _write_bits(text: str, letters: str) -> str:
    """Six bits a letter."""
    bits = "".join(f"{byte:08b}" for byte in text.encode())
    return "".join(letters[int(bits[at : at + 6].ljust(6, "0"), 2)] for at in range(0, len(bits), 6))


_LEETS = str.maketrans("oieastbgOIEASTBG", "0134578901345789")
_CYRILLIC = str.maketrans("aceopxyABCEHKMOPTXsij", "асеорхуАВСЕНКМОРТХѕіј")
WORDS = ["ound", "ever", "lack", "ring", "oast", "ight"] * 20
STRANGE: dict[str, Callable[[str], str]] = {
    "uuencode": lambda s: "begin 644 x\n" + binascii.b2a_uu(f"ab{s}"[:45].encode()).decode() + "`\nend",
    "xxencode": lambda s: _write_bits(s, "+-0123456789" + string.ascii_uppercase + string.ascii_lowercase),
    "bcrypt's base64": lambda s: _write_bits(
        s, "./" + string.ascii_uppercase + string.ascii_lowercase + "0123456789"
    ),
    "rot47": lambda s: "".join(chr(33 + (ord(c) - 33 + 47) % 94) for c in s),
    "atbash": lambda s: s.translate(
        str.maketrans(string.ascii_letters, string.ascii_lowercase[::-1] + string.ascii_uppercase[::-1])
    ),
    "letters five on": lambda s: "".join(
        chr((ord(c.lower()) - 97 + 5) % 26 + 97) if c.isalpha() else c for c in s
    ),
    "numbered lines": lambda s: "\n".join(f"{n}. {c}" for n, c in enumerate(s, 1)),
    "numbered lines in a quote": lambda s: "\n".join(f"> - [{n:03}] `{c}`" for n, c in enumerate(s)),
    "named lines": lambda s: "\n".join(f"char {n}: {c}" for n, c in enumerate(s)),
    "a table": lambda s: "| n | c |\n|---|---|\n" + "\n".join(f"| {n} | {c} |" for n, c in enumerate(s)),
    "JSON by number": lambda s: json.dumps(dict(enumerate(s)), indent=1),
    "first letters of lines": lambda s: "\n".join(f"{c}{w}" for c, w in zip(s, WORDS, strict=False)),
    "last letters of lines": lambda s: "\n".join(f"{w}{c}" for c, w in zip(s, WORDS, strict=False)),
    "first letters of words": lambda s: " ".join(f"{c}{w}" for c, w in zip(s, WORDS, strict=False)),
    "lines that begin and end alike": lambda s: "\n".join(f"the letter {c} comes" for c in s),
    "tags between": lambda s: "<b>x</b>".replace("x", "").join(s),
    "tags with attributes between": lambda s: "<i class='abc'></i>".join(s),
    "comments between": lambda s: "<!-- and -->".join(s),
    "links": lambda s: "".join(f"[{c}](https://a.example/page)" for c in s),
    "colours between": lambda s: "".join(f"\x1b[31m{c}\x1b[0m" for c in s),
    "comments of C between": lambda s: "/* then */".join(s),
    "emphasis": lambda s: "".join(f"**{c}**" for c in s),
    "every second letter": lambda s: "x".join(s),
    "every third letter": lambda s: "qz".join(s),
    "digits for letters, reversed": lambda s: s.translate(_LEETS)[::-1],
    "signs for letters": lambda s: s.replace("a", "@").replace("s", "$").replace("i", "!"),
    "Cyrillic letters": lambda s: s.translate(_CYRILLIC),
    "marks on letters": lambda s: unicodedata.normalize("NFC", "\u0301".join(s)),
    "flags": lambda s: "".join(chr(0x1F1E6 + ord(c) - 65) if c.isalpha() else c for c in s.upper()),
    "variation selectors": lambda s: "x" + "".join(chr(0xE0100 + ord(c) - 16) for c in s),
    "quoted-printable": lambda s: "".join(f"={ord(c):02X}" for c in s),
    "percent here and there": lambda s: "".join(f"%{ord(c):02x}" if n % 2 else c for n, c in enumerate(s)),
    "code points": lambda s: " ".join(f"U+{ord(c):04X}" for c in s),
    "octal numbers": lambda s: " ".join(f"{ord(c):03o}" for c in s),
    "padded numbers": lambda s: " ".join(f"{ord(c):03d}" for c in s),
    "xxd": lambda s: _dump(s.encode(), "xxd"),
    "hexdump": lambda s: _dump(s.encode(), "hexdump"),
    "od": lambda s: _dump(s.encode(), "od"),
    "od -b": lambda s: _dump(s.encode(), "od -b"),
    "od -c": lambda s: _dump(s.encode(), "od -c"),
    "base58": lambda s: _say_in_base(
        s.encode(), "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    ),
    "base36": lambda s: _say_in_base(s.encode(), string.digits + string.ascii_lowercase),
    "one number": lambda s: str(int.from_bytes(s.encode())),
    "base64 of UTF-16": lambda s: base64.b64encode(f"$t='{s}'".encode("utf-16-le")).decode(),
    "hex of UTF-16": lambda s: s.encode("utf-16-le").hex(),
    "base64, reversed after": lambda s: base64.b64encode(s.encode()).decode()[::-1],
    "base64, then rot13": lambda s: codecs.encode(base64.b64encode(s.encode()).decode(), "rot13"),
    "base64, then hex": lambda s: base64.b64encode(s.encode()).hex(),
    "gzip, then base64": lambda s: base64.b64encode(gzip.compress(f"say {s}".encode())).decode(),
    "gzip, then base64 in lines": lambda s: base64.encodebytes(gzip.compress(f"{s} {s}".encode())).decode(),
    "zlib, then URL-safe base64": lambda s: base64.urlsafe_b64encode(zlib.compress(s.encode())).decode(),
    "bzip2, then base64": lambda s: base64.b64encode(bz2.compress(s.encode())).decode(),
    "xz, then base64": lambda s: base64.b64encode(lzma.compress(s.encode())).decode(),
    "gzip, then hex": lambda s: gzip.compress(s.encode()).hex(),
}  # fmt: skip


@pytest.mark.parametrize("form", list(STRANGE))
@pytest.mark.parametrize(
    "known", [SEPARATE, "Zk3pQ8vXn1LcW6tRy9HmBs4GfJd7TaEu0iOx", "x9-A_b7.Qw3~e5R/t1Y+u8I=o2Pz6Kd4"]
)
def test_known_secrets_are_found_in_strange_forms(form: str, known: str) -> None:
    said = f"This is it:\n\n{STRANGE[form](known)}\n\nThat was it."
    redactor = Redactor([known, secret(60)])
    assert redactor.find_secrets(said.encode()) == [KNOWN]
    clean = redactor.text(said)
    assert "[redacted: known secret]" in clean
    assert STRANGE[form](known)[8:-8] not in clean
    assert redactor.find_secrets(clean.encode()) == []


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress, None])
def test_a_compressed_file_is_looked_into(pack: Callable[[bytes], bytes] | None) -> None:
    known = secret(40)
    if pack:
        data = pack(b"some text, then " + known.encode())
    else:
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/b.txt", f"some text, then {known}")
        data = into.getvalue()
    assert Redactor([known]).find_secrets(data) == [KNOWN]
    assert Redactor([secret(40)]).find_secrets(data) == []
    assert Redactor([known]).find_secrets(data[:20]) == []


def test_a_bomb_costs_little() -> None:
    bomb = gzip.compress(bytes(60_000_000), 1)
    began = time.process_time()
    assert Redactor([secret(40)]).find_secrets(bomb) == []
    assert Redactor([secret(40)]).find_secrets(base64.b64encode(bomb)) == []
    assert time.process_time() - began < 2


def test_names_of_files_that_differ_in_a_letter_spell_a_secret() -> None:
    redactor = Redactor([SEPARATE])
    assert redactor.has_split_secret(f"notes/part_{letter}.txt" for letter in SEPARATE)
    assert redactor.has_split_secret(f"{n:02}-{letter}.txt\n" for n, letter in enumerate(SEPARATE))
    assert not redactor.has_split_secret(f"notes/part_{letter}.txt" for letter in SEPARATE[:12])


def test_a_few_binary_digits_are_no_part_of_a_secret() -> None:
    """Somewhere a long token's bits are those of any short row of zeros and ones."""
    redactor = Redactor([token() for _ in range(4)])
    bits = [format(number * 2_654_435_761 % 2**32, "032b") for number in range(400)]
    assert [row for row in bits if KNOWN in redactor.find_secrets(row.encode())] == []
    spelt = " ".join(format(ord(letter), "08b") for letter in SEPARATE)
    assert KNOWN in Redactor([SEPARATE]).find_secrets(spelt.encode())


def test_the_texts_of_this_repository_hold_no_secret_in_disguise() -> None:
    redactor = Redactor([SEPARATE, secret(40), "internal-service-token-of-the-company", token()])
    names = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("bot/**/*.py"),
        *ROOT.glob("tests/suite/*"),
    ]
    for name in [each for each in names if each.is_file()][::6]:
        data = name.read_bytes()
        assert KNOWN not in redactor.find_secrets(data), name
        assert "known secret" not in redactor.text(data.decode()).replace("[redacted: known secret]", "") or (
            b"known secret" in data
        ), name


def test_a_private_key_is_learnt_once() -> None:
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{base64.encodebytes(random.Random(3).randbytes(1200)).decode()}"
    Redactor([key])
    began = time.process_time()
    for _ in range(20):
        Redactor([key])
    assert time.process_time() - began < 0.1
