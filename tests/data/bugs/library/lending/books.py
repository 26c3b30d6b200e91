"""Books and how they are found."""

from dataclasses import dataclass, field

STOP_WORDS = {"a", "an", "the", "of"}


@dataclass
class Book:
    title: str
    author: str
    copies: int = 1
    tags: list = field(default_factory=list)

    def has_tag(self, tag):
        return tag.strip().lower() in self.tags


def words(text):
    """Lower-case words without stop words."""
    return [word for word in text.lower().split() if word not in STOP_WORDS]


def initials(name):
    """``Ursula K. Le Guin`` -> ``U.K.L.G.``"""
    parts = name.split()
    return "".join(part[0].upper() + "." for part in parts)


def find(books, query):
    """Books whose title or author holds every word of the query, best match first."""
    wanted = words(query)
    if not wanted:
        return []
    found = []
    for book in books:
        title = words(book.title)
        author = words(book.author)
        score = 0
        for word in wanted:
            if word in title:
                score += 2
            elif word in author:
                score += 1
            else:
                score = 0
                break
        if score > 0:
            found.append((score, book))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [book for _, book in found]


def by_author(books):
    """Titles grouped by author."""
    groups = {}
    for book in books:
        groups.setdefault(book.author, []).append(book.title)
    return groups
