"""Graphs: routes, orders, components."""

from wayfind.graph import Graph
from wayfind.order import Cycle, topological
from wayfind.routes import NoRoute, shortest, within

__all__ = ["Cycle", "Graph", "NoRoute", "shortest", "topological", "within"]
