"""Orders and components."""

from collections import deque


class Cycle(Exception):
    """``nodes`` go round: the first one is also the last."""

    def __init__(self, nodes):
        super().__init__(" -> ".join(str(node) for node in nodes))
        self.nodes = nodes


def topological(graph):
    """Every node before those its edges lead to; of several the smallest first. Raises Cycle."""
    missing = {node: len(graph.before(node)) for node in graph}
    ready = sorted(node for node, count in missing.items() if count == 0)
    order = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for following in graph.after(node):
            missing[following] -= 1
            if missing[following] == 0:
                ready.append(following)
        ready.sort()
    if len(order) < len(graph):
        raise Cycle(find_cycle(graph))
    return order


def find_cycle(graph):
    """The nodes of a cycle with the first one again at the end, or None."""
    finished = set()
    for start in graph:
        found = _walk(graph, start, [], finished)
        if found:
            return found
    return None


def _walk(graph, node, path, finished):
    if node in path:
        return [*path[path.index(node) :], node]
    if node in finished:
        return None
    for following in graph.after(node):
        found = _walk(graph, following, [*path, node], finished)
        if found:
            return found
    finished.add(node)
    return None


def components(graph):
    """Sets of nodes that hang together, whichever way the edges go; the largest first."""
    left = set(graph)
    found = []
    while left:
        start = min(left)
        part = _around(graph, start)
        left -= part
        found.append(part)
    return sorted(found, key=len, reverse=True)


def _around(graph, start):
    seen = {start}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for neighbour in graph.after(node) + graph.before(node):
            if neighbour not in seen:
                seen.add(neighbour)
                queue.append(neighbour)
    return seen


def layers(graph):
    """The nodes in steps: each step needs only nodes of earlier ones. Raises Cycle."""
    depth = {}
    for node in topological(graph):
        depth[node] = 1 + max((depth[before] for before in graph.before(node)), default=-1)
    steps = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node, level in depth.items():
        steps[level].append(node)
    return [sorted(step) for step in steps]
