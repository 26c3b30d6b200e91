"""One trace from a delivery to the end of its run, and nothing at all where nobody asked for traces."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from bot.trace import TracesUnavailable, note_arrival, record_spans, span, start_traces

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
    note_arrival(GUID, 1)


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


def record(process: str) -> Any:
    """The spans of one process, in memory."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    made = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter"
    ).InMemorySpanExporter()
    record_spans(process, export.SimpleSpanProcessor(made))
    return made


def test_the_web_process_begins_the_trace_that_workers_go_on_with() -> None:
    web = record("web")
    note_arrival(GUID, 1_000, event="issue_comment", bytes=7)
    note_arrival(GUID + "-other", 2_000)
    first, other = web.get_finished_spans()
    worker = record("worker")
    with span("delivery", delivery=GUID):
        pass
    (below,) = worker.get_finished_spans()
    assert (first.name, first.parent, first.start_time) == ("receive", None, 1_000)
    assert dict(first.attributes) == {"hob.event": "issue_comment", "hob.bytes": 7}
    assert below.parent.span_id == first.context.span_id and below.context.trace_id == first.context.trace_id
    assert other.context.trace_id != first.context.trace_id
    with span("delivery", delivery=GUID):
        note_arrival(GUID + "-third", 3_000)
    third = worker.get_finished_spans()[1]
    assert third.parent is None, "it is below nothing, whatever goes on meanwhile"


def test_all_processes_agree_on_which_traces_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    guids = [f"{number}-{GUID}" for number in range(40)]
    web = record("web")
    for guid in guids:
        note_arrival(guid, 1)
    worker = record("worker")
    for guid in guids:
        with span("run", delivery=guid):
            pass
    both = [{each.context.trace_id for each in made.get_finished_spans()} for made in (web, worker)]
    assert both[0] == both[1] and 5 < len(both[0]) < 35
