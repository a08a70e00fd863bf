"""Spans: one trace over all that works on a run, and nothing at all where the app has no OpenTelemetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from workflow_runtime import tracing
from workflow_runtime.events import Event, EventKind
from workflow_runtime.values import encode_error
from workflow_runtime.worlds.base import Message, NewRun

WORKFLOW = "workflow//shop.orders//checkout"
STEP = "step//shop.payments//charge"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Where all spans of this process go."""
    made, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    trace.set_tracer_provider(provider)
    return made


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """The spans of this test."""
    exporter.clear()
    yield exporter
    exporter.clear()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def context_of(span: ReadableSpan) -> trace.SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def test_start_invocation_and_step_are_one_trace_by_the_messages_alone(spans: InMemorySpanExporter) -> None:
    with tracing.starting(WORKFLOW, "wrun_1") as first:
        pass
    with tracing.invocation(Message("wmsg_1", "wrun_1", trace=first), WORKFLOW):
        with tracing.attempting("wrun_1", STEP, "step_000001", 2) as span:
            span.ended(Event(EventKind.STEP_COMPLETED, 0.0, "step_000001", {}))
        (child,) = tracing.stamped_runs(
            [NewRun("wrun_2", Event(EventKind.RUN_CREATED, 0.0), Message("wmsg_3", "wrun_2"))]
        )
        (queued,) = tracing.stamped([Message("wmsg_2", "wrun_1", "step_000002", STEP)])
    with tracing.invocation(queued):
        pass
    with tracing.invocation(Message("wmsg_4", "wrun_2"), "workflow//shop.orders//parcel", child.created.data["trace"]):
        assert child.message.trace == child.created.data["trace"]

    found = by_name(spans)
    assert set(found) == {
        "start checkout",
        "invocation checkout",
        "step charge",
        "invocation charge",
        "invocation parcel",
    }
    assert len({context_of(span).trace_id for span in found.values()}) == 1
    parents = {name: span.parent.span_id if span.parent else None for name, span in found.items()}
    ids = {name: context_of(span).span_id for name, span in found.items()}
    assert parents == {
        "start checkout": None,
        "invocation checkout": ids["start checkout"],
        "step charge": ids["invocation checkout"],
        "invocation charge": ids["invocation checkout"],
        "invocation parcel": ids["invocation checkout"],
    }
    assert dict(found["step charge"].attributes or {}) == {
        "workflow.run_id": "wrun_1",
        "workflow.step": STEP,
        "workflow.step_id": "step_000001",
        "workflow.attempt": 2,
        "workflow.outcome": "step_completed",
    }


def test_a_failed_attempt_is_an_error_by_type_and_quotes_no_message(spans: InMemorySpanExporter) -> None:
    with tracing.attempting("wrun_1", STEP, "step_000001", 1) as span:
        error = encode_error(ValueError("the card of Ada is declined"))
        span.ended(Event(EventKind.STEP_FAILED, 0.0, "step_000001", {"attempt": 1, "error": error}))

    (found,) = spans.get_finished_spans()
    assert found.status.status_code is trace.StatusCode.ERROR
    assert (found.attributes or {})["error.type"] == "builtins.ValueError"
    assert "Ada" not in found.to_json()


def test_an_error_that_gets_out_of_an_invocation_is_an_error_of_its_span(spans: InMemorySpanExporter) -> None:
    with pytest.raises(OSError, match="4111"), tracing.invocation(Message("wmsg_1", "wrun_1")):
        raise OSError("4111")

    (found,) = spans.get_finished_spans()
    assert found.status.status_code is trace.StatusCode.ERROR
    assert "4111" not in found.to_json()


def test_a_pushed_message_belongs_to_the_trace_of_its_request(spans: InMemorySpanExporter) -> None:
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.pushing({"traceparent": header}):
        pass

    (found,) = spans.get_finished_spans()
    assert (found.kind, f"{context_of(found).trace_id:032x}") == (trace.SpanKind.SERVER, header.split("-")[1])


def test_a_run_that_an_app_starts_inside_of_a_span_is_part_of_its_trace(spans: InMemorySpanExporter) -> None:
    with (
        trace.get_tracer("shop").start_as_current_span("POST /orders") as outer,
        tracing.starting(WORKFLOW, "wrun_1") as given,
    ):
        assert given is not None
        assert given.split("-")[1] == f"{outer.get_span_context().trace_id:032x}"


def test_a_message_that_has_a_trace_keeps_it(spans: InMemorySpanExporter) -> None:
    with tracing.starting(WORKFLOW, "wrun_1"):
        (message,) = tracing.stamped([Message("wmsg_1", "wrun_1", trace="of another")])

    assert message.trace == "of another"


def test_a_traceparent_that_is_none_is_as_good_as_no_trace(spans: InMemorySpanExporter) -> None:
    with tracing.invocation(Message("wmsg_1", "wrun_1", trace="no traceparent")):
        pass

    (found,) = spans.get_finished_spans()
    assert found.parent is None


def test_a_process_without_opentelemetry_imports_none_of_it_and_passes_traces_on() -> None:
    code = """
import sys
import workflow_runtime
from workflow_runtime import tracing
from workflow_runtime.worlds.base import Message
with tracing.starting("workflow//a//b", "wrun_1") as first:
    assert first is None
with tracing.invocation(Message("m", "wrun_1", trace="the trace")):
    with tracing.attempting("wrun_1", "step//a//c", "step_000001", 1):
        assert [message.trace for message in tracing.stamped([Message("n", "wrun_1")])] == ["the trace"]
assert tracing.traceparent() is None
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
