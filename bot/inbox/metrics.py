"""What the web process counts, in a registry of its own so that two apps in one process do not meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The inbox's counters. Event names come from a closed list, since anybody may send any header."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.deliveries = Counter(
            "hob_deliveries",
            "Webhook deliveries by what became of them",
            ["event", "result"],
            registry=self.registry,
        )
        self.ack = Histogram(
            "hob_ack_seconds",
            "From the first byte of a delivery to its answer",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self.oldest = Gauge(
            "hob_oldest_delivery_seconds", "Age of the oldest unhandled delivery", registry=self.registry
        )
        self.failed = Gauge(
            "hob_failed_deliveries", "Deliveries that were taken and failed for good", registry=self.registry
        )
        self.tasks = Gauge("hob_tasks", "Open tasks by state", ["state"], registry=self.registry)
        self.waits = Gauge(
            "hob_queue_oldest_seconds",
            "Age of the oldest task that is queued and due; 50 installations, and others",
            ["installation"],
            registry=self.registry,
        )
        self.refused = Gauge(
            "hob_refused_requests",
            "Requests that were refused in the last 24 hours, by reason",
            ["reason"],
            registry=self.registry,
        )
        self.up = Gauge("hob_database_up", "Whether the database answers", registry=self.registry)

    def observe(
        self,
        tasks: Mapping[str, int] | None,
        oldest: float | None,
        failed: int = 0,
        ages: Sequence[tuple[int, float]] = (),
        refused: Mapping[str, int] | None = None,
    ) -> None:
        """Take in what the database says; ``tasks`` None: it does not answer, old numbers are dropped."""
        self.up.set(0 if tasks is None else 1)
        self.tasks.clear()
        for state, count in (tasks or {}).items():
            self.tasks.labels(state).set(count)
        self.waits.clear()
        for installation, age in ages:
            self.waits.labels("others" if installation < 0 else str(installation)).set(age)
        self.refused.clear()
        for reason, count in (refused or {}).items():
            self.refused.labels(reason).set(count)
        self.oldest.set(float("nan") if tasks is None else oldest or 0)
        self.failed.set(float("nan") if tasks is None else failed)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        return generate_latest(self.registry)
