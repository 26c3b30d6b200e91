"""Secrets that are spelled: by codes, by places, in words, Morse and Braille; and packed behind decoys."""

from __future__ import annotations

import base64
import gzip
import json
import random
import unicodedata
import zlib
from collections.abc import Sequence

import pytest

from bot.text.redact import Redactor

SECRET = "Tq7Zr2Lx9Vb4Nm8Kd3Pw6Yc1Hs5Gf0JtBu"
RAW = SECRET.encode()
REDACTOR = Redactor([SECRET])
SHUFFLED = random.Random(3).sample(range(len(SECRET)), len(SECRET))
MORSE = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz0123456789",
        [
            *(
                ".-",
                "-...",
                "-.-.",
                "-..",
                ".",
                "..-.",
                "--.",
                "....",
                "..",
                ".---",
                "-.-",
                ".-..",
                "--",
                "-.",
            ),
            *(
                "---",
                ".--.",
                "--.-",
                ".-.",
                "...",
                "-",
                "..-",
                "...-",
                ".--",
                "-..-",
                "-.--",
                "--..",
                "-----",
            ),
            *(".----", "..---", "...--", "....-", ".....", "-....", "--...", "---..", "----."),
        ],
        strict=True,
    )
)
SIGNS = [MORSE[letter] for letter in SECRET.lower()]
NAMES = [
    *("alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo"),
    *("lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor"),
    *("whiskey", "xray", "yankee", "zulu"),
]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
BRAILLE = "⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵"


def say(letter: str) -> str:
    return DIGITS[int(letter)] if letter.isdigit() else NAMES[ord(letter.lower()) - ord("a")]


def touch(letter: str) -> str:
    if letter.isdigit():
        return "⠼" + BRAILLE[(int(letter) - 1) % 10]
    return BRAILLE[ord(letter.lower()) - ord("a")]


def words(size: int, order: str) -> Sequence[int]:
    whole = len(RAW) // size * size
    return [int.from_bytes(RAW[at : at + size], order) for at in range(0, whole, size)]  # type: ignore[arg-type]


def deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


SPELLED = {
    "entities with many zeros": "".join(f"&#{0:0>30}{code};" for code in RAW),
    "entities of entities": "".join(f"&amp;#{code};" for code in RAW),
    "entities without an end": "".join(f"&#{code} " for code in RAW),
    "escapes of URLs, twice": "".join(f"%25{code:02x}" for code in RAW),
    "escapes of old scripts": "".join(f"%u{code:04x}" for code in RAW),
    "escapes of Perl": "".join(f"\\x{{{code:x}}}" for code in RAW),
    "escapes of a shell": "".join(f"\\{code:o}" for code in RAW),
    "names of characters": "".join(f"\\N{{{unicodedata.name(letter)}}}" for letter in SECRET),
    "calls with decimals": " & ".join(f"Chr$({code})" for code in RAW),
    "calls with hex": "+".join(f"chr(0x{code:x})" for code in RAW),
    "casts": "".join(f"[char]{code}+" for code in RAW),
    "TeX": "".join(f"\\char{code} " for code in RAW),
    "a list of octal numbers": ", ".join(map(oct, RAW)),
    "a list of binary numbers": ", ".join(map(bin, RAW)),
    "seven bits each": " ".join(f"{code:07b}" for code in RAW),
    "seven bits in a row": "".join(f"{code:07b}" for code in RAW),
    "rows in any order": "\n".join(f"| {place} | {SECRET[place]} |" for place in SHUFFLED),
    "keys in any order": json.dumps({str(place): SECRET[place] for place in SHUFFLED}),
    "names of variables": "\n".join(f"a{place} = '{letter}'" for place, letter in enumerate(SECRET)),
    "a query": "&".join(f"c{place}={letter}" for place, letter in enumerate(SECRET)),
    "a drawing": "\n".join(f"n{place}[{letter}]" for place, letter in enumerate(SECRET)),
    "sentences": "\n".join(f"Line {place} begins with {SECRET[place]}." for place in SHUFFLED),
    "pieces with their places": "\n".join(
        f"part {at // 5 + 1} is '{SECRET[at : at + 5]}'" for at in (20, 0, 30, 10, 5, 25, 15)
    ),
    "Morse": " ".join(SIGNS),
    "Morse with slashes": "/".join(SIGNS),
    "Morse with other signs": " ".join(SIGNS).replace(".", "·").replace("-", "–"),
    "words for letters": " ".join(map(say, SECRET)),
    "words for letters in sentences": ", then ".join(say(letter).title() for letter in SECRET),
    "Braille": "".join(map(touch, SECRET)),
    "bytes in Braille": "".join(chr(0x2800 + code) for code in RAW),
    "digits of another script": SECRET.translate({48 + digit: chr(0x0660 + digit) for digit in range(10)}),
    "digits and letters turned": SECRET.translate(
        str.maketrans(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "NOPQRSTUVWXYZABCDEFGHIJKLMnopqrstuvwxyzabcdefghijklm5678901234",
        )
    ),
    "last letters": " ".join(f"wor{letter}" for letter in SECRET),
    "words of four bytes": " ".join(f"{word:08x}" for word in words(4, "little")),
    "words of eight bytes": " ".join(f"{word:016x}" for word in words(8, "little")),
    "numbers of four bytes": repr(words(4, "little")),
    "numbers of eight bytes": repr(words(8, "big")),
    "raw deflate": f"data: {base64.b64encode(deflate(RAW * 2)).decode()}",
    "gzip, twice in base64": base64.b64encode(base64.b64encode(gzip.compress(RAW * 2))).decode(),
}


@pytest.mark.parametrize("form", SPELLED)
@pytest.mark.parametrize("around", ["{}", "Some 12 lines of 3 files:\n\n{}\n\nand 40 more, see 0x41."])
def test_a_secret_that_is_spelled_is_found(form: str, around: str) -> None:
    text = around.format(SPELLED[form])
    assert "redacted" in REDACTOR.text(text)
    assert REDACTOR.find_secrets(text.encode())


def test_decoys_hide_no_compressed_secret() -> None:
    decoys = [
        base64.b64encode(gzip.compress(f"decoy {number}".encode() * 9)).decode() for number in range(99)
    ]
    hidden = base64.b64encode(gzip.compress(RAW)).decode()
    assert "redacted" in REDACTOR.text("\n\n".join([*decoys, hidden]))


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{number}: {line}" for number, line in enumerate(["def f(x):", "    return x * 2"] * 40)),
        "| test | before | after |\n|---|---|---|\n" + "| test_a | 12 | 40 |\n" * 30,
        "alpha beta gamma one two three " * 40 + "... --- ... " * 40,
        "65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 0x41 0x42 0b1000001 " * 20,
        base64.b64encode(deflate(b"an ordinary text " * 90)).decode(),
    ],
)
def test_ordinary_numbers_and_lists_stay(text: str) -> None:
    assert REDACTOR.text(text) == text and not REDACTOR.find_secrets(text.encode())
