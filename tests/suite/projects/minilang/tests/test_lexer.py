import unittest

from minilang.errors import SyntaxProblem
from minilang.lexer import tokens


def kinds(text):
    return [(token.kind, token.value) for token in tokens(text)][:-1]


class LexerTest(unittest.TestCase):
    def test_numbers(self):
        self.assertEqual(kinds("12 3.50"), [("number", 12), ("number", 3.5)])
        self.assertIsInstance(kinds("12")[0][1], int)

    def test_names_and_keywords(self):
        self.assertEqual(kinds("let letter"), [("let", "let"), ("name", "letter")])

    def test_long_operators_come_first(self):
        self.assertEqual([value for _, value in kinds("a<=b != c")], ["a", "<=", "b", "!=", "c"])

    def test_strings(self):
        self.assertEqual(kinds(r'"a \"b\" \\ \n"'), [("string", 'a "b" \\ \n')])

    def test_comments_end_with_the_line(self):
        self.assertEqual(kinds("1 # one\n2"), [("number", 1), ("end", "\n"), ("number", 2)])

    def test_positions(self):
        self.assertEqual([token.at for token in tokens("ab + 1")], [0, 3, 5, 6])

    def test_what_is_no_token(self):
        with self.assertRaises(SyntaxProblem) as caught:
            list(tokens("1 ? 2"))
        self.assertEqual(caught.exception.at, 2)

    def test_unknown_escapes(self):
        with self.assertRaisesRegex(SyntaxProblem, "unknown escape"):
            list(tokens(r'"\q"'))


if __name__ == "__main__":
    unittest.main()
