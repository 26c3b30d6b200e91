import unittest

from wayfind import Cycle, Graph, topological
from wayfind.order import components, find_cycle, layers

BUILD = [("lex", "parse"), ("parse", "run"), ("parse", "print"), ("errors", "lex"), ("errors", "run")]


class OrderTest(unittest.TestCase):
    def test_before_what_needs_it(self):
        self.assertEqual(topological(Graph(BUILD)), ["errors", "lex", "parse", "print", "run"])

    def test_the_smallest_first(self):
        graph = Graph([("a", "z"), ("b", "c")])
        self.assertEqual(topological(graph), ["a", "b", "c", "z"])

    def test_a_cycle_is_shown(self):
        graph = Graph([("a", "b"), ("b", "c"), ("c", "b")])
        with self.assertRaises(Cycle) as caught:
            topological(graph)
        self.assertEqual(caught.exception.nodes, ["b", "c", "b"])
        self.assertEqual(str(caught.exception), "b -> c -> b")

    def test_no_cycle(self):
        self.assertIsNone(find_cycle(Graph([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])))

    def test_an_edge_to_itself(self):
        self.assertEqual(find_cycle(Graph([("a", "a")])), ["a", "a"])

    def test_components(self):
        graph = Graph([("a", "b"), ("c", "b"), ("x", "y")])
        graph.add_node("solo")
        self.assertEqual(components(graph), [{"a", "b", "c"}, {"x", "y"}, {"solo"}])

    def test_layers(self):
        self.assertEqual(layers(Graph(BUILD)), [["errors"], ["lex"], ["parse"], ["print", "run"]])
        self.assertEqual(layers(Graph()), [])
