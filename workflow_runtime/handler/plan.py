"""One commit in the making: facts, decisions, and what has to be sent, started and created for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflow_runtime.errors import WorkflowNotRegisteredError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.ids import new_message_id
from workflow_runtime.project import bundle_hash_of, run_limit_of
from workflow_runtime.values import encode_error
from workflow_runtime.worlds.base import Message, NewRun, RunInfo


@dataclass(slots=True)
class Plan:
    """``events`` begins with the facts; ``decisions`` are what the machine sees confirmed."""

    events: list[Event] = field(default_factory=list)
    decisions: list[Event] = field(default_factory=list)
    sends: list[Message] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    runs: list[NewRun] = field(default_factory=list)
    ends: bool = False
    tells: bool = False
    """Whether its landing tells the machine something: a hook has its token, or has not."""


def failure(error: Exception, now: float) -> Plan:
    """The plan that ends the run with an error."""
    return Plan(events=[Event(EventKind.RUN_FAILED, now, "", {"error": encode_error(error)})], ends=True)


def child(run: RunInfo, created: Mapping[str, Json], event: Event) -> NewRun:
    """The run that a ``child_created`` of ``run`` stands for. ``created`` is the data of the run's own first event."""
    data = {"parent": run.id, "root": run.root or run.id, "attributes": event.data["attributes"]}
    if "priority" in event.data:
        data["priority"] = event.data["priority"]
    return _new_run(event.data["workflow"], None, created, event, data)


def successor(run: RunInfo, created: Mapping[str, Json], attributes: Mapping[str, str], event: Event) -> NewRun:
    """The run that a ``run_continued`` of ``run`` stands for: another of the same workflow, by its current code."""
    data: dict[str, Json] = {"continues": run.id, "attributes": dict(attributes)}
    if run.parent is not None:
        data |= {"parent": run.parent, "root": run.root}
    return _new_run(run.workflow, run.bundle, created, event, data)


def _new_run(
    workflow: str, bundle: str | None, created: Mapping[str, Json], event: Event, data: Mapping[str, Json]
) -> NewRun:
    run_id = event.data["run"]
    inherited = {name: created[name] for name in ("url", "trace", "priority") if name in created}
    data = {
        "workflow": workflow,
        "bundle": _current_bundle(workflow, bundle),
        "seed": secrets.token_hex(16),
        "input": event.data["input"],
        **inherited,
        **data,
    }
    message = Message(new_message_id(), run_id, limit=run_limit_of(workflow))
    return NewRun(run_id, Event(EventKind.RUN_CREATED, event.time, "", data), message)


def _current_bundle(workflow: str, known: str | None) -> str:
    """Empty when this process has none: whoever takes the run up says so, or has it."""
    try:
        return bundle_hash_of(workflow)
    except WorkflowNotRegisteredError:
        return known or ""
