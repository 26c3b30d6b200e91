"""Every metric that a process of Hob serves, as the code has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from bot.inbox.metrics import Metrics
from bot.serve.metrics.pages import PageMetrics
from bot.serve.metrics.server import add_build_info
from bot.serve.metrics.worker import WorkerMetrics

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFamily:
    """A metric's name as rules and boards write it (a histogram's without its suffix), and what it is."""

    process: str
    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def series(self) -> set[str]:
        """The names of its series."""
        if self.kind == "histogram":
            return {f"{self.name}{suffix}" for suffix in _SUFFIXES["histogram"]}
        return {self.name}


def list_families() -> list[MetricFamily]:
    """Of web, worker and dashboard, in the order of the code; what all of them have comes first."""
    build = CollectorRegistry()
    add_build_info(build, "")
    registries = {
        "all": build,
        "web": Metrics().registry,
        "worker": WorkerMetrics(slots=1).registry,
        "dashboard": PageMetrics().registry,
    }
    return [family for process, registry in registries.items() for family in _list(process, registry)]


def _list(process: str, registry: CollectorRegistry) -> Iterator[MetricFamily]:
    for metric in registry._collector_to_names:
        assert isinstance(metric, MetricWrapperBase)
        kind = metric._type
        suffix = "" if kind == "histogram" else _SUFFIXES.get(kind, ("",))[0]
        labels = metric._labelnames or (("process", "version") if kind == "info" else ())
        yield MetricFamily(
            process=process,
            name=metric._name + suffix,
            kind=kind,
            labels=tuple(labels),
            meaning=metric._documentation,
        )
