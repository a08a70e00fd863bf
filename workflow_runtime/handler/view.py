"""What a run's log says about its steps and waits, folded from its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workflow_runtime.events import RUN_ENDS, STEP_ENDS, WAIT_ENDS, Event, EventKind, Json


@dataclass(slots=True)
class StepView:
    """One step that has no outcome yet."""

    name: str
    input: Json
    attempt: int = 0
    """How often it was started."""
    retryings: int = 0
    """How many of those starts ended in ``step_retrying``."""
    failures: int = 0
    """How many of these count against its retries."""
    owner: str | None = None
    """The message under which it runs; None while it waits to be started."""


@dataclass(slots=True)
class LogView:
    """The open steps and waits of a run, kept current by ``apply``."""

    started: bool = False
    ended: bool = False
    steps: dict[str, StepView] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    """Open waits and the unix time that each waits for."""
    created: Mapping[str, Json] = field(default_factory=dict)
    """The data of the run's first event."""
    attributes: dict[str, str] = field(default_factory=dict)

    def apply(self, events: Iterable[Event]) -> None:
        """Take in the log's next events."""
        for event in events:
            self._apply(event)

    def _apply(self, event: Event) -> None:
        match event.kind:
            case EventKind.RUN_CREATED:
                self.created = event.data
                self.attributes.update(event.data.get("attributes") or {})
            case EventKind.RUN_STARTED:
                self.started = True
            case EventKind.ATTRIBUTES_SET:
                self.attributes = self.attributes_after([event])
            case EventKind.STEP_CREATED:
                self.steps[event.entity] = StepView(event.data["step"], event.data["input"])
            case EventKind.STEP_STARTED:
                step = self.steps[event.entity]
                step.attempt, step.owner = event.data["attempt"], event.data["message"]
            case EventKind.STEP_RETRYING:
                step = self.steps[event.entity]
                step.owner = None
                step.retryings += 1
                step.failures += bool(event.data["counted"])
            case EventKind.WAIT_CREATED:
                self.waits[event.entity] = event.data["until"]
            case kind if kind in STEP_ENDS:
                self.steps.pop(event.entity, None)
            case kind if kind in WAIT_ENDS:
                self.waits.pop(event.entity, None)
            case kind if kind in RUN_ENDS:
                self.ended = True

    def attributes_after(self, events: Iterable[Event]) -> dict[str, str]:
        """The run's attributes once ``events`` have followed."""
        merged: dict[str, str | None] = {**self.attributes}
        for event in events:
            if event.kind is EventKind.ATTRIBUTES_SET:
                merged |= event.data["attributes"]
        return {name: value for name, value in merged.items() if value is not None}

    def accepts(self, fact: Event) -> bool:
        """Whether the log has room for this fact as it stands: the run has not started, that attempt runs its step, its wait is open."""
        if fact.kind is EventKind.RUN_STARTED:
            return not self.started
        if fact.kind is EventKind.WAIT_COMPLETED:
            return fact.entity in self.waits
        step = self.steps.get(fact.entity)
        return step is not None and step.owner is not None and step.attempt == fact.data["attempt"]
