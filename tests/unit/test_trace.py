"""One trace from a delivery to the end of its run, and nothing at all where nobody asked for traces."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from bot.trace import TracesUnavailable, record_spans, span, start_traces

GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture(autouse=True)
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.trace._State.tracer", None)


def test_without_a_collector_nothing_is_made_or_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        assert not name.startswith("opentelemetry")
        return load(name, *rest, **more)

    load = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    with span("run", delivery=GUID, task=1), span("model call"):
        pass
    assert span("run") is span("other")


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(TracesUnavailable, match=r"hob\[traces\]"):
        start_traces("worker", "http://127.0.0.1:4318/v1/traces")


def test_all_processes_make_one_trace_of_a_delivery() -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter"
    ).InMemorySpanExporter()
    for process in ("one", "other"):
        record_spans(process, export.SimpleSpanProcessor(memory))
        with pytest.raises(ValueError), span("run", delivery=GUID, task=7):
            with span("model call", model="m"):
                pass
            raise ValueError("a secret")
    made = memory.get_finished_spans()
    assert len({each.context.trace_id for each in made}) == 1
    call, run = made[:2]
    assert (call.name, call.parent.span_id) == ("model call", run.context.span_id)
    assert dict(run.attributes) == {"hob.task": 7} and not run.status.is_ok
    assert not run.events and run.status.description == "ValueError"
