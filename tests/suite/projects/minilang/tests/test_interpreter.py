import unittest

from minilang import Interpreter, LangError, NameMissing
from minilang.errors import Arity, TooDeep


class InterpreterTest(unittest.TestCase):
    def setUp(self):
        self.interpreter = Interpreter({"n": 7})

    def run_it(self, text):
        return self.interpreter.run(text)

    def test_arithmetic(self):
        self.assertEqual(self.run_it("1 + 2 * 3 - 4"), 3)
        self.assertEqual(self.run_it("-2 ^ 2"), -4)
        self.assertEqual(self.run_it("7 % 4"), 3)

    def test_whole_numbers_stay_whole(self):
        self.assertIsInstance(self.run_it("6 / 3"), int)
        self.assertEqual(self.run_it("7 / 2"), 3.5)

    def test_division_by_zero(self):
        for text in ("1 / 0", "1.5 / 0", "1 % 0"):
            with self.subTest(text), self.assertRaisesRegex(LangError, "division by zero"):
                self.run_it(text)

    def test_variables_are_kept(self):
        self.run_it("let a = n + 1")
        self.assertEqual(self.run_it("a * 2"), 16)

    def test_the_variables_given_are_not_changed(self):
        given = {"n": 1}
        Interpreter(given).run("let n = 2")
        self.assertEqual(given, {"n": 1})

    def test_unknown_names(self):
        with self.assertRaisesRegex(NameMissing, "nothing is called b"):
            self.run_it("b")
        with self.assertRaisesRegex(NameMissing, "no function is called g"):
            self.run_it("g(1)")

    def test_the_other_side_is_only_looked_at_when_needed(self):
        self.assertIs(self.run_it("false and missing"), False)
        self.assertIs(self.run_it("true or missing"), True)
        self.assertEqual(self.run_it("if true then 1 else missing"), 1)

    def test_functions(self):
        self.assertEqual(self.run_it("def twice(x) = x * 2\ntwice(4)"), 8)

    def test_parameters_hide_variables(self):
        self.assertEqual(self.run_it("def f(n) = n + 1; f(1) + n"), 9)

    def test_recursion(self):
        self.assertEqual(
            self.run_it("def fact(k) = if k <= 1 then 1 else k * fact(k - 1); fact(10)"), 3628800
        )

    def test_recursion_has_an_end(self):
        with self.assertRaisesRegex(TooDeep, "deeper than 50"):
            self.run_it("def f(x) = f(x); f(1)")
        self.assertEqual(Interpreter(depth=3).run("def d(k) = if k == 0 then 0 else d(k - 1); d(2)"), 0)

    def test_builtins(self):
        self.assertEqual(self.run_it("max(1, 5, 3) - min(2, 4)"), 3)
        self.assertEqual(self.run_it('len(upper("abc"))'), 3)
        self.assertEqual(self.run_it("round(2.567, 1)"), 2.6)

    def test_arity(self):
        with self.assertRaisesRegex(Arity, "f takes 2, not 1"):
            self.run_it("def f(a, b) = a; f(1)")
        with self.assertRaisesRegex(Arity, "abs takes 1, not 2"):
            self.run_it("abs(1, 2)")

    def test_nonsense(self):
        with self.assertRaisesRegex(LangError, "makes no sense"):
            self.run_it('1 + "a"')

    def test_the_last_expression_counts(self):
        self.assertEqual(self.run_it("1; 2; let x = 3"), 2)
        self.assertIsNone(self.run_it("# nothing"))

    def test_not(self):
        self.assertIs(self.run_it("not 1 == 2"), True)
