"""Shortest routes."""

import heapq
from collections import deque
from itertools import count


class NoRoute(Exception):
    """There is no way from the one to the other."""

    def __init__(self, start, end):
        super().__init__(f"no way from {start} to {end}")


def distances(graph, start):
    """({node: distance}, {node: node before it}) of all that can be reached. Dijkstra's algorithm."""
    best = {start: 0}
    previous = {}
    done = set()
    tie = count()  # nodes need not be comparable
    queue = [(0, next(tie), start)]
    while queue:
        distance, _, node = heapq.heappop(queue)
        if node in done:
            continue
        done.add(node)
        for end in graph.after(node):
            longer = distance + graph.weight(node, end)
            if end not in best or longer < best[end]:
                best[end] = longer
                previous[end] = node
                heapq.heappush(queue, (longer, next(tie), end))
    return best, previous


def shortest(graph, start, end):
    """(distance, nodes of the route with both ends). Raises NoRoute, or KeyError for unknown nodes."""
    for node in (start, end):
        if node not in graph:
            raise KeyError(node)
    best, previous = distances(graph, start)
    if end not in best:
        raise NoRoute(start, end)
    route = [end]
    while route[-1] != start:
        route.append(previous[route[-1]])
    route.reverse()
    return best[end], route


def within(graph, start, limit):
    """The nodes no farther than ``limit``, nearest first, without the start."""
    best, _ = distances(graph, start)
    near = [
        (distance, str(node), node) for node, distance in best.items() if distance <= limit and node != start
    ]
    return [node for _, _, node in sorted(near, key=lambda item: item[:2])]


def fewest_edges(graph, start, end):
    """How many edges the shortest chain has; None when there is none."""
    seen = {start}
    queue = deque([(start, 0)])
    while queue:
        node, steps = queue.popleft()
        if node == end:
            return steps
        for following in graph.after(node):
            if following not in seen:
                seen.add(following)
                queue.append((following, steps + 1))
    return None


def all_routes(graph, start, end, visited=()):
    """Yield every route that visits no node twice."""
    visited = (*visited, start)
    if start == end:
        yield list(visited)
        return
    for following in graph.after(start):
        if following not in visited:
            yield from all_routes(graph, following, end, visited)
