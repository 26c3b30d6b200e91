from lending.books import Book, by_author, find, initials, words

DISPOSSESSED = Book("The Dispossessed", "Ursula K. Le Guin", 2, ["sf", "utopia"])
LATHE = Book("The Lathe of Heaven", "Ursula K. Le Guin")
UBIK = Book("Ubik", "Philip K. Dick", tags=["sf"])
LIFE = Book("Ursula: A Life", "Jane Doe")
BOOKS = [DISPOSSESSED, LATHE, UBIK, LIFE]


def test_words():
    assert words("The Lathe of Heaven") == ["lathe", "heaven"]


def test_initials():
    assert initials("ursula K. Le Guin") == "U.K.L.G."


def test_tags_are_found_whatever_their_case():
    assert DISPOSSESSED.has_tag(" SF ")
    assert not LATHE.has_tag("sf")


def test_every_word_must_match():
    assert find(BOOKS, "ursula heaven") == [LATHE]
    assert find(BOOKS, "lathe dick") == []


def test_titles_count_more_than_authors():
    books = [Book("Something", "heaven smith"), LATHE]
    assert find(books, "heaven") == [LATHE, books[0]]


def test_an_empty_query_finds_nothing():
    assert find(BOOKS, "the of") == []


def test_by_author():
    assert by_author(BOOKS)["Ursula K. Le Guin"] == ["The Dispossessed", "The Lathe of Heaven"]
