"""What is measured, by names that Prometheus and OpenTelemetry share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measure:
    """A counter; with ``bounds``, a distribution of seconds."""

    name: str
    """Dotted, as OpenTelemetry has it."""
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """The upper ends of its buckets, in seconds."""


_SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

MESSAGES = Measure("workflow.messages.handled", "Messages that were handled, whatever came of them.", ("about",))
LATENESS = Measure(
    "workflow.message.lateness", "Seconds from when a message was due to its first delivery.", bounds=_SHORT
)
STEPS = Measure("workflow.steps.executed", "Attempts of steps that have ended.", ("step", "outcome"))
DURATION = Measure(
    "workflow.step.duration", "Seconds that an attempt of a step took.", ("step",), (*_SHORT, 300.0, 1800.0, 7200.0)
)
RUNS = Measure("workflow.runs.ended", "Runs that were ended by this process.", ("workflow", "status"))
PUSHES = Measure("workflow.messages.pushed", "Requests that brought messages to functions.", ("answer",))

IN_WORK = "workflow.messages.in_work"
IN_WORK_HELP = "Messages that this process has in work."
QUEUE = "workflow.queue.messages"
QUEUE_HELP = "Messages in the queue of all processes: due, in somebody's hands, and for later."


class Sink(Protocol):
    """Where numbers go. Both methods may be called from any thread."""

    def add(self, measure: Measure, labels: Sequence[str]) -> None:
        """Count one."""

    def observe(self, measure: Measure, labels: Sequence[str], value: float) -> None:
        """Note so many seconds."""
