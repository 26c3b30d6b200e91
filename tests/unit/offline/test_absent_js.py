"""Edits of JavaScript that put in what is absent: arguments, parts of conditions, properties, statements."""

from __future__ import annotations

import pytest

from tests.unit.offline.test_mend_js import mends


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        # arguments, by the parameters of the function that is called and by those of its own
        ("function f(a, opts) { f(b) }", "function f(a, opts) { f(b, opts) }"),
        ("const g = (e, pre, key) => key\ng(e, n)", "const g = (e, pre, key) => key g(e, '', n)"),
        ("done = (err, res) => cb.call(self, res)", "done = (err, res) => cb.call(self, err, res)"),
        # parts of conditions
        ("let A, B; if (c === A) f(c === B)", "let A, B; if (c === A || c === B) f(c === B)"),
        ("if (c !== 'a') f(); x = c === 'b'", "if (c !== 'a' && c !== 'b') f(); x = c === 'b'"),
        ("y = z && c === 1; x = c === 2", "y = z && (c === 1 || c === 2); x = c === 2"),
        ("if (o['a'] === 0) f(o['b'])", "if (o['a'] === 0 && o['b'] > 0) f(o['b'])"),
        ("function f(a, b) { if (a.c) g(); return b > 1 }",
         "function f(a, b) { if (a.c) g(); return b > 1 && a.c }"),
        ("function f(a, b) { g(b.c + 1); return a || 1 }",
         "function f(a, b) { g(b.c + 1); return a || b.c || 1 }"),
        # a sign, a one, a property, the end of a part
        ("x = Math.sqrt(a)", "x = Math.sqrt(-a)"),
        ("x = -a.b", "x = a.b"),
        ("i += m.index", "i += m.index - 1"),
        ("function f(n) { return -(1 ^ n) }", "function f(n) { return -(1 ^ n) - 1 }"),
        ("if (p[i] === node) f(p[0].node)", "if (p[i].node === node) f(p[0].node)"),
        ("x = s.slice(i * 2, 2)", "x = s.slice(i * 2, i * 2 + 2)"),
        ("x = s.slice(i, i + 2)", "x = s.slice(i, 2)"),
        ("const n = s.length; Buffer.from(s)", "const n = Buffer.byteLength(s); Buffer.from(s)"),
        # statements
        ("function f(s) { s.i--\n g()\n h() }", "function f(s) { s.i-- g() s.i-- h() }"),
        ("function f() { const l = []\n l.push(1)\n return l }",
         "function f() { const l = [] l.push(1) l.reverse() return l }"),
        ("function f(seen, x) { if (x) { seen = g(seen) } }",
         "function f(seen, x) { if (x) { seen = g(seen) seen.push(x) } }"),
        ("function f() { for (;;) { if (a) return true } }", "function f() { for (;;) { if (a) continue } }"),
        ("for (const k in o) { g(o.id) }", "for (const k in o) { if (k === 'id') continue g(o.id) }"),
        ("function f(s) { s.on = 1\n if (a) { } }", "function f(s) { s.on = 1 if (a) { s.on = 1 } }"),
    ],
)  # fmt: skip
def test_what_is_absent_is_put_in(wrong: str, right: str) -> None:
    made = {" ".join(each.split()) for each in mends(wrong)}
    assert " ".join(right.split()) in made


def test_a_part_that_a_chain_has_is_not_put_in_again() -> None:
    made = mends("if (c === 'a' || c === 'b') f()")
    assert not [each for each in made if each.count("||") > 1 and each.count(" === 'b'") > 1]


def test_a_function_of_two_meanings_says_nothing_of_a_call() -> None:
    made = mends("const a = { f(x, y) {} }, b = { f(p, q) {} }; a.f(0)")
    assert not [each for each in made if "a.f(0, '')" in each]
