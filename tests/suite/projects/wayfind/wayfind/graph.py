"""A directed graph with weights."""


class Graph:
    """Nodes are any hashable values; between two of them there is at most one edge each way."""

    def __init__(self, edges=()):
        self._out = {}
        for edge in edges:
            self.add_edge(*edge)

    def add_node(self, node):
        """Nothing happens when it is there."""
        self._out.setdefault(node, {})

    def add_edge(self, start, end, weight=1):
        """Add or replace an edge; both nodes come to be."""
        if weight < 0:
            raise ValueError("a weight cannot be negative")
        self.add_node(start)
        self.add_node(end)
        self._out[start][end] = weight

    def remove_edge(self, start, end):
        """Raises KeyError when there is none."""
        del self._out[start][end]

    def remove_node(self, node):
        """Take away a node with all its edges, in and out. Raises KeyError when there is none."""
        del self._out[node]
        for ends in self._out.values():
            ends.pop(node, None)

    def __contains__(self, node):
        return node in self._out

    def __len__(self):
        return len(self._out)

    def __iter__(self):
        return iter(self._out)

    def __eq__(self, other):
        if not isinstance(other, Graph):
            return NotImplemented
        return self._out == other._out

    __hash__ = None

    def weight(self, start, end):
        """The weight of an edge. Raises KeyError when there is none."""
        return self._out[start][end]

    def after(self, node):
        """The nodes that an edge leads to, as a list of its own."""
        return list(self._out[node])

    def before(self, node):
        """The nodes that lead to it."""
        return [start for start, ends in self._out.items() if node in ends]

    def edges(self):
        """(start, end, weight) of every edge."""
        for start, ends in self._out.items():
            for end, weight in ends.items():
                yield start, end, weight

    def copy(self):
        """A graph of its own."""
        twin = Graph()
        for node in self._out:
            twin.add_node(node)
        for edge in self.edges():
            twin.add_edge(*edge)
        return twin

    def reverse(self):
        """The same nodes with every edge turned round."""
        turned = Graph()
        for node in self._out:
            turned.add_node(node)
        for start, end, weight in self.edges():
            turned.add_edge(end, start, weight)
        return turned

    def without(self, nodes):
        """A copy that lacks these nodes."""
        smaller = self.copy()
        for node in nodes:
            if node in smaller:
                smaller.remove_node(node)
        return smaller

    def prune(self):
        """Take away nodes without any edge; returns how many."""
        lonely = [node for node in self._out if not self._out[node] and not self.before(node)]
        for node in lonely:
            self.remove_node(node)
        return len(lonely)
