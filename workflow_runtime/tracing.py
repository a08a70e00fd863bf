"""OpenTelemetry spans: of starting a run, of each invocation, of each attempt of a step, and of each pushed message.

A run is one trace, whoever works on it and when: the ``traceparent`` (W3C Trace Context) of its start stands in its first event, and each
message carries that of whoever sent it. Nothing here is configured: spans go where the app's own OpenTelemetry SDK sends them. In a process that
has not imported ``opentelemetry`` nobody could have set it up, so it is not imported here either, and traces are only passed on.

Spans carry ids and names, and of errors the type alone: messages may quote what users pass.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Message, NewRun

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_passed_on: ContextVar[str | None] = ContextVar("workflow_runtime_trace", default=None)
"""The traceparent that came with the message in work."""


@contextmanager
def starting(workflow: str, run_id: str) -> Iterator[str | None]:
    """A span of starting a run; gives the traceparent for its first event and its first message."""
    attributes = {"workflow.name": workflow, "workflow.run_id": run_id}
    with _span(f"start {_short(workflow)}", "PRODUCER", attributes):
        yield traceparent()


@contextmanager
def invocation(message: Message, workflow: str | None = None, trace: str | None = None) -> Iterator[None]:
    """A span of handling one message about a run of ``workflow``, or about one step; in the trace of the message, else in ``trace``: that of its
    run.
    """
    attributes = {"workflow.run_id": message.run_id, "workflow.message_id": message.id}
    if workflow:
        attributes |= {"workflow.name": workflow}
    if message.step_id and message.step_name:
        attributes |= {"workflow.step_id": message.step_id, "workflow.step": message.step_name}
    parent = message.trace or trace
    token = _passed_on.set(parent)
    name = " ".join(["invocation", _short(workflow or message.step_name or "")]).strip()
    try:
        with _span(name, "CONSUMER", attributes, parent):
            yield
    finally:
        _passed_on.reset(token)


class AttemptSpan:
    """Told the outcome of an attempt, it notes it in the attempt's span."""

    def __init__(self, span: Span | None) -> None:
        self._span = span

    def ended(self, outcome: Event) -> None:
        """The attempt's outcome: ``step_completed``, ``step_failed`` or ``step_retrying``."""
        if self._span is None:
            return
        self._span.set_attribute("workflow.outcome", outcome.kind.value)
        if outcome.kind is EventKind.STEP_COMPLETED:
            return
        from opentelemetry.trace import StatusCode

        kind = str(outcome.data["error"]["type"])
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR, kind)


_UNTRACED = nullcontext(AttemptSpan(None))


def attempting(run_id: str, step: str, step_id: str, attempt: int) -> AbstractContextManager[AttemptSpan]:
    """A span of one attempt of a step. It is the current one for the step's code, in a thread too."""
    return _attempting(run_id, step, step_id, attempt) if "opentelemetry.trace" in sys.modules else _UNTRACED


@contextmanager
def _attempting(run_id: str, step: str, step_id: str, attempt: int) -> Iterator[AttemptSpan]:
    attributes: dict[str, str | int] = {
        "workflow.run_id": run_id,
        "workflow.step": step,
        "workflow.step_id": step_id,
        "workflow.attempt": attempt,
    }
    with _span(f"step {_short(step)}", "INTERNAL", attributes) as span:
        yield AttemptSpan(span)


@contextmanager
def pushing(headers: Mapping[str, str]) -> Iterator[None]:
    """A span of one pushed message over HTTP, in the trace of the request's ``traceparent`` header."""
    with _span("POST flow", "SERVER", {"http.request.method": "POST"}, headers.get("traceparent")):
        yield


def traceparent() -> str | None:
    """The W3C traceparent of what goes on here: of the current span, else what came with the message in work."""
    if "opentelemetry.trace" in sys.modules:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        if "traceparent" in carrier:
            return carrier["traceparent"]
    return _passed_on.get()


def stamped(messages: Iterable[Message]) -> list[Message]:
    """The messages, each with a trace: its own, or that of what goes on here."""
    here = traceparent()
    return [message if message.trace or here is None else replace(message, trace=here) for message in messages]


def stamped_runs(runs: Iterable[NewRun]) -> list[NewRun]:
    """Runs to create, each with the trace of what goes on here in its first event and its first message."""
    here = traceparent()
    if here is None:
        return list(runs)
    return [
        NewRun(
            run.id,
            replace(run.created, data={"trace": here, **run.created.data}),
            replace(run.message, trace=run.message.trace or here),
        )
        for run in runs
    ]


@contextmanager
def _span(
    name: str, kind: str, attributes: Mapping[str, str | int], parent: str | None = None
) -> Iterator[Span | None]:
    """A span as the current one; nothing where the process has no OpenTelemetry."""
    if "opentelemetry.trace" not in sys.modules:
        yield None
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("workflow_runtime")
    with tracer.start_as_current_span(
        name, context, getattr(trace.SpanKind, kind), attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(trace.StatusCode.ERROR, type(error).__qualname__)
            raise


def _short(function: str) -> str:
    """``charge`` for ``step//shop.payments//charge``."""
    return function.rpartition("//")[2]
