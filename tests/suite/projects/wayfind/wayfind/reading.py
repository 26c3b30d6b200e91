"""Graphs from text, one edge a line: ``a -> b: 3``; ``a -- b`` goes both ways; ``a`` alone is a node."""

import re

from wayfind.graph import Graph

_LINE = re.compile(
    r"(?P<start>\w+)(?:\s*(?P<arrow>->|--)\s*(?P<end>\w+)(?:\s*:\s*(?P<weight>\d+(?:\.\d+)?))?)?"
)


def read(text):
    """Comments begin with ``#``. Raises ValueError that names the line."""
    graph = Graph()
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"line {number}: {line!r} is no edge")
        if found["end"] is None:
            graph.add_node(found["start"])
            continue
        weight = _number(found["weight"])
        graph.add_edge(found["start"], found["end"], weight)
        if found["arrow"] == "--":
            graph.add_edge(found["end"], found["start"], weight)
    return graph


def _number(text):
    if text is None:
        return 1
    return float(text) if "." in text else int(text)


def write(graph):
    """Text that ``read`` takes; nodes without an edge come last."""
    lines = [f"{start} -> {end}: {weight}" for start, end, weight in sorted(graph.edges())]
    linked = {node for start, end, _ in graph.edges() for node in (start, end)}
    lines += [str(node) for node in sorted(set(graph) - linked)]
    return "\n".join(lines) + "\n"
