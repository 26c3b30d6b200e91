"""Single words and names."""

import re
import unicodedata

SMALL = frozenset({"a", "an", "and", "at", "but", "by", "for", "in", "of", "on", "or", "the", "to"})
_IRREGULAR = {"child": "children", "person": "people", "mouse": "mice", "foot": "feet"}


def slug(text, longest=40):
    """``Über uns & mehr!`` is ``uber-uns-mehr``; cut at a word where possible."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    made = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(made) <= longest:
        return made
    head = made[: longest + 1]
    return head.rpartition("-")[0] or made[:longest]


def unique(name, taken):
    """The name, or with ``-2``, ``-3`` ... the first that is not taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def plural(word, count=2):
    """English plurals of ordinary words."""
    if count == 1:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if re.search(r"(?:s|x|z|ch|sh)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def counted(count, word):
    """``no files``, ``1 file``, ``1,200 files``."""
    number = "no" if count == 0 else f"{count:,}"
    return f"{number} {plural(word, count)}"


def title_case(text):
    """Capital letters but for small words inside; words with capitals of their own stay."""
    words = text.split()
    shown = []
    for at, word in enumerate(words):
        inside = 0 < at < len(words) - 1
        if inside and word.lower() in SMALL:
            shown.append(word.lower())
        elif word != word.lower():
            shown.append(word)
        else:
            shown.append(word[:1].upper() + word[1:])
    return " ".join(shown)


def natural_key(text):
    """For sorting: ``file9`` before ``file10``, whatever the case."""
    parts = re.split(r"(\d+)", text.lower())
    return [int(part) if part.isdigit() else part for part in parts]


def listed(items, word="and"):
    """``a``, ``a and b``, ``a, b and c``."""
    items = list(items)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def initials(name):
    """``Ada King of Lovelace`` is ``A. K. L.``; small words do not count."""
    return " ".join(f"{word[0].upper()}." for word in re.findall(r"\w+", name) if word.lower() not in SMALL)
