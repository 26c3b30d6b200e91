import unittest

from wayfind import Graph, NoRoute, shortest, within
from wayfind.routes import all_routes, distances, fewest_edges

ROADS = [
    ("home", "shop", 4),
    ("home", "park", 1),
    ("park", "shop", 2),
    ("shop", "work", 5),
    ("park", "work", 9),
    ("work", "home", 7),
]


class RoutesTest(unittest.TestCase):
    def setUp(self):
        self.graph = Graph(ROADS)
        self.graph.add_node("moon")

    def test_the_shortest(self):
        self.assertEqual(shortest(self.graph, "home", "work"), (8, ["home", "park", "shop", "work"]))

    def test_to_where_one_is(self):
        self.assertEqual(shortest(self.graph, "home", "home"), (0, ["home"]))

    def test_no_way(self):
        with self.assertRaisesRegex(NoRoute, "no way from home to moon"):
            shortest(self.graph, "home", "moon")

    def test_unknown_places(self):
        with self.assertRaises(KeyError):
            shortest(self.graph, "home", "sea")

    def test_free_edges(self):
        self.graph.add_edge("park", "work", 0)
        self.assertEqual(shortest(self.graph, "home", "work")[0], 1)

    def test_nodes_that_cannot_be_compared(self):
        graph = Graph([(1, "a", 2), (1, None, 2), ("a", None, 2)])
        self.assertEqual(distances(graph, 1)[0], {1: 0, "a": 2, None: 2})

    def test_within(self):
        self.assertEqual(within(self.graph, "home", 3), ["park", "shop"])
        self.assertEqual(within(self.graph, "home", 2), ["park"])

    def test_fewest_edges(self):
        self.assertEqual(fewest_edges(self.graph, "home", "work"), 2)
        self.assertEqual(fewest_edges(self.graph, "home", "home"), 0)
        self.assertIsNone(fewest_edges(self.graph, "home", "moon"))

    def test_fewest_edges_of_two_chains(self):
        graph = Graph([("a", "b"), ("a", "c"), ("b", "e"), ("c", "d"), ("d", "e")])
        self.assertEqual(fewest_edges(graph, "a", "e"), 2)

    def test_all_routes(self):
        self.assertEqual(
            sorted(all_routes(self.graph, "home", "work")),
            [
                ["home", "park", "shop", "work"],
                ["home", "park", "work"],
                ["home", "shop", "work"],
            ],
        )
        self.assertEqual(list(all_routes(self.graph, "home", "moon")), [])
