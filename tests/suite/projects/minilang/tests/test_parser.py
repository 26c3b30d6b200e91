import unittest

from minilang import SyntaxProblem, parse, show
from minilang.tree import Binary, Call, Def, Let, Name, Unary, Value


def one(text):
    (statement,) = parse(text)
    return statement


class ParserTest(unittest.TestCase):
    def test_products_before_sums(self):
        self.assertEqual(one("1 + 2 * 3"), Binary("+", Value(1), Binary("*", Value(2), Value(3))))

    def test_differences_group_from_the_left(self):
        self.assertEqual(one("9 - 3 - 2"), Binary("-", Binary("-", Value(9), Value(3)), Value(2)))

    def test_powers_group_from_the_right(self):
        self.assertEqual(one("2 ^ 3 ^ 2"), Binary("^", Value(2), Binary("^", Value(3), Value(2))))

    def test_a_minus_binds_less_than_a_power(self):
        self.assertEqual(one("-2 ^ 2"), Unary("-", Binary("^", Value(2), Value(2))))

    def test_not_takes_a_whole_comparison(self):
        self.assertEqual(one("not a == b"), Unary("not", Binary("==", Name("a"), Name("b"))))

    def test_and_before_or(self):
        self.assertEqual(one("a or b and c"), Binary("or", Name("a"), Binary("and", Name("b"), Name("c"))))

    def test_calls(self):
        self.assertEqual(one("f()"), Call("f", ()))
        self.assertEqual(one("f(1, g(2))"), Call("f", (Value(1), Call("g", (Value(2),)))))

    def test_statements(self):
        self.assertEqual(
            parse("let a = 1; def f(x, y) = x\n\n"),
            [Let("a", Value(1)), Def("f", ("x", "y"), Name("x"))],
        )

    def test_errors_have_a_position(self):
        for text, at in [("1 +", 3), ("(1", 2), ("let = 3", 4), ("if 1 then 2", 11)]:
            with self.subTest(text), self.assertRaises(SyntaxProblem) as caught:
                parse(text)
            self.assertEqual(caught.exception.at, at)

    def test_a_parameter_twice(self):
        with self.assertRaisesRegex(SyntaxProblem, "f has a parameter twice"):
            parse("def f(a, a) = a")

    def test_two_statements_need_something_between(self):
        with self.assertRaises(SyntaxProblem):
            parse("1 2")


class PrinterTest(unittest.TestCase):
    def test_only_the_parentheses_that_are_needed(self):
        for text in [
            "1 + 2 * 3",
            "(1 + 2) * 3",
            "9 - (3 - 2)",
            "9 - 3 - 2",
            "(2 ^ 3) ^ 2",
            "2 ^ 3 ^ 2",
            "-(1 + 2)",
            "not a and b",
            "not (a and b)",
            "f(1, x + 1)",
            "if a then 1 else 2",
            "1 + (if a then 1 else 2)",
            "let a = 3",
            "def f(x, y) = x ^ y",
            'true == "a\\n\\"b\\""',
        ]:
            with self.subTest(text):
                self.assertEqual(show(one(text)), text)

    def test_superfluous_ones_go(self):
        self.assertEqual(show(one("((1 * 2)) + (3)")), "1 * 2 + 3")
