import unittest

from wayfind import Graph
from wayfind.reading import read, write

TEXT = """\
# roads
a -> b: 3
b -- c : 1.5   # both ways
c->a
lonely
"""


class ReadingTest(unittest.TestCase):
    def test_edges(self):
        graph = read(TEXT)
        self.assertEqual(
            sorted(graph.edges()), [("a", "b", 3), ("b", "c", 1.5), ("c", "a", 1), ("c", "b", 1.5)]
        )

    def test_nodes_alone(self):
        self.assertIn("lonely", read(TEXT))

    def test_the_line_is_named(self):
        with self.assertRaisesRegex(ValueError, "line 3: 'a => b' is no edge"):
            read("a -> b\n\na => b\n")

    def test_whole_weights_stay_whole(self):
        self.assertIsInstance(read("a -> b: 3").weight("a", "b"), int)

    def test_back_and_forth(self):
        graph = read(TEXT)
        self.assertEqual(read(write(graph)), graph)
        self.assertEqual(write(Graph([("b", "c", 2), ("a", "b")])), "a -> b: 1\nb -> c: 2\n")
