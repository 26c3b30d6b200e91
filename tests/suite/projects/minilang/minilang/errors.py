"""Errors that a writer of a program sees."""


class LangError(Exception):
    """Root of this package's errors."""


class SyntaxProblem(LangError):
    """The text is no program; ``at`` is the position, from 0."""

    def __init__(self, words, at):
        super().__init__(f"{words} at {at}")
        self.at = at


class NameMissing(LangError):
    """A name stands for nothing."""


class Arity(LangError):
    """A function got too many or too few arguments."""


class TooDeep(LangError):
    """A function calls itself without end."""
