"""The same numbers as OpenTelemetry metrics; they go where the app's own SDK sends them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from workflow_runtime.metrics import counting, measures
from workflow_runtime.metrics.measures import Measure

PATIENCE = 2.0
"""Seconds that the queue's depth may take to come."""
_ATTRIBUTES = {
    "step": "workflow.step",
    "outcome": "workflow.outcome",
    "workflow": "workflow.name",
    "status": "workflow.status",
    "about": "workflow.about",
    "answer": "workflow.answer",
}
"""What spans call these, too."""


class OtelSink:
    """Hands numbers to OpenTelemetry's instruments, made on first use."""

    def __init__(self) -> None:
        self._meter = metrics.get_meter("workflow_runtime")
        self._counters: dict[Measure, Counter] = {}
        self._histograms: dict[Measure, Histogram] = {}
        self._meter.create_observable_gauge(
            measures.IN_WORK, [_in_work], unit="{message}", description=measures.IN_WORK_HELP
        )
        self._meter.create_observable_gauge(measures.QUEUE, [_depth], unit="{message}", description=measures.QUEUE_HELP)

    def add(self, measure: Measure, labels: Sequence[str]) -> None:
        """See ``Sink``."""
        counter = self._counters.get(measure)
        if counter is None:
            counter = self._counters[measure] = self._meter.create_counter(measure.name, description=measure.help)
        counter.add(1, _attributes(measure, labels))

    def observe(self, measure: Measure, labels: Sequence[str], value: float) -> None:
        """See ``Sink``."""
        histogram = self._histograms.get(measure)
        if histogram is None:
            histogram = self._histograms[measure] = _histogram(self._meter, measure)
        histogram.record(value, _attributes(measure, labels))


def _histogram(meter: Meter, measure: Measure) -> Histogram:
    more: dict[str, Any] = {}
    if "explicit_bucket_boundaries_advisory" in inspect.signature(meter.create_histogram).parameters:
        more["explicit_bucket_boundaries_advisory"] = measure.bounds  # older ones have bounds fit for milliseconds
    return meter.create_histogram(measure.name, unit="s", description=measure.help, **more)


def _attributes(measure: Measure, labels: Sequence[str]) -> dict[str, str]:
    return {_ATTRIBUTES[name]: value for name, value in zip(measure.labels, labels, strict=True)}


def _in_work(_: CallbackOptions) -> Iterator[Observation]:
    yield Observation(counting.in_work())


def _depth(_: CallbackOptions) -> Iterator[Observation]:
    for state, count in counting.queue_depth_for_threads(PATIENCE).items():
        yield Observation(count, {"workflow.state": state})
