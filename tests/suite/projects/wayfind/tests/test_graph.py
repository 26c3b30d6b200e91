import unittest

from wayfind import Graph


class GraphTest(unittest.TestCase):
    def setUp(self):
        self.graph = Graph([("a", "b", 2), ("b", "c"), ("a", "c", 5)])

    def test_nodes_come_with_edges(self):
        self.assertEqual(list(self.graph), ["a", "b", "c"])
        self.assertEqual(len(self.graph), 3)
        self.assertIn("c", self.graph)

    def test_weights(self):
        self.assertEqual(self.graph.weight("a", "b"), 2)
        self.assertEqual(self.graph.weight("b", "c"), 1)
        with self.assertRaises(KeyError):
            self.graph.weight("c", "a")

    def test_negative_weights_are_refused(self):
        with self.assertRaisesRegex(ValueError, "negative"):
            self.graph.add_edge("a", "b", -1)
        self.graph.add_edge("a", "b", 0)
        self.assertEqual(self.graph.weight("a", "b"), 0)

    def test_neighbours(self):
        self.assertEqual(self.graph.after("a"), ["b", "c"])
        self.assertEqual(self.graph.before("c"), ["a", "b"])
        self.assertEqual(self.graph.before("a"), [])

    def test_neighbours_are_a_list_of_their_own(self):
        self.graph.after("a").clear()
        self.assertEqual(self.graph.after("a"), ["b", "c"])

    def test_removing_a_node_takes_its_edges(self):
        self.graph.remove_node("b")
        self.assertEqual(list(self.graph.edges()), [("a", "c", 5)])
        with self.assertRaises(KeyError):
            self.graph.remove_node("b")

    def test_removing_an_edge_keeps_the_nodes(self):
        self.graph.remove_edge("b", "c")
        self.assertIn("c", self.graph)
        self.assertEqual(self.graph.after("b"), [])

    def test_a_copy_is_apart(self):
        twin = self.graph.copy()
        self.assertEqual(twin, self.graph)
        twin.add_edge("c", "a", 9)
        self.assertNotEqual(twin, self.graph)

    def test_turned_round(self):
        turned = self.graph.reverse()
        self.assertEqual(turned.weight("b", "a"), 2)
        self.assertEqual(turned.after("a"), [])

    def test_without(self):
        smaller = self.graph.without(["b", "unknown"])
        self.assertEqual(list(smaller), ["a", "c"])
        self.assertIn("b", self.graph)

    def test_prune(self):
        for lonely in ("x", "y", "z"):
            self.graph.add_node(lonely)
        self.assertEqual(self.graph.prune(), 3)
        self.assertEqual(list(self.graph), ["a", "b", "c"])
