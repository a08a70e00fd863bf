"""The logs that each release recorded: this build must replay them, event for event, with the code that they ran on.

``tools/record_logs.py`` makes them. A recording that does not replay means that runs in flight would break: mend the code, not the recording.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.errors import ReplayDivergenceError
from workflow_runtime.events import DECISIONS, RUN_ENDS, Event, EventKind, is_neutral
from workflow_runtime.machine.commands import Command
from workflow_runtime.machine.machine import Machine
from workflow_runtime.sandbox.program import load_program

FOLDER = Path(__file__).parent / "recorded"
DECIDED_ENDS = RUN_ENDS - {EventKind.RUN_CANCELLED}


@dataclass(frozen=True, slots=True)
class Recording:
    """One run as it was recorded."""

    name: str
    run_id: str
    bundle_hash: str
    bundle: Bundle
    status: str
    events: tuple[Event, ...]

    def replayed(self, events: Sequence[Event]) -> Machine:
        """A machine that was fed with these events."""
        machine = Machine(self.run_id, load_program(self.bundle, Path("/app"), self.run_id))
        for event in events:
            machine.feed(event, replaying=True)
        return machine


def bundle_of(content: dict[str, Any]) -> Bundle:
    modules = tuple(BundleModule(**module) for module in content["modules"])
    return Bundle(content["workflow"], content["stateless"], tuple(content["pure"]), modules)


def recordings() -> list[Recording]:
    """Every recorded run of every release."""
    found = []
    for path in sorted(FOLDER.glob("*/*.json")):
        content = json.loads(path.read_text("utf-8"))
        for number, run in enumerate(content["runs"], 1):
            events = tuple(Event(**event | {"kind": EventKind(event["kind"])}) for event in run["events"])
            bundle = bundle_of(content["bundles"][run["bundle"]])
            name = f"{content['release']} {path.stem} {number}"
            found.append(Recording(name, run["id"], run["bundle"], bundle, run["status"], events))
    return found


ALL = recordings()
every_recording = pytest.mark.parametrize("recording", ALL, ids=lambda recording: recording.name)


def without_stacks(data: Any) -> Any:
    """The data without what differs between Pythons and machines: the texts of tracebacks."""
    if isinstance(data, dict):
        return {name: without_stacks(value) for name, value in data.items() if name != "stack"}
    return [without_stacks(item) for item in data] if isinstance(data, list) else data


def said(what: Command | Event) -> tuple[str, str, Any]:
    return what.kind.value, what.entity, without_stacks(dict(what.data))


@every_recording
def test_a_recorded_bundle_still_has_its_hash(recording: Recording) -> None:
    assert recording.bundle.hash == recording.bundle_hash


@every_recording
def test_the_machine_takes_every_recorded_event_and_ends_with_the_recorded_end(recording: Recording) -> None:
    end = recording.events[-1]
    decided = end.kind in DECIDED_ENDS
    machine = recording.replayed(recording.events[:-1] if decided else recording.events)
    try:
        assert [said(command) for command in machine.commands] == ([said(end)] if decided else [])
        assert machine.ended == (decided or end.kind is EventKind.RUN_CANCELLED)
    finally:
        machine.drop()


@every_recording
def test_after_each_prefix_the_machine_wants_what_the_log_has_next(recording: Recording) -> None:
    """A decision stands in the log where it does because the machine wanted it first; nothing else of the log decides."""
    for count, event in enumerate(recording.events):
        if event.kind not in DECISIONS | DECIDED_ENDS or is_neutral(event):
            continue
        machine = recording.replayed(recording.events[:count])
        first = machine.commands[0]
        machine.drop()
        if event.kind is EventKind.HOOK_CONFLICT:  # how a hook_created has landed
            assert (first.kind, first.entity) == (EventKind.HOOK_CREATED, event.entity)
        else:
            assert said(first) == said(event)


def test_the_recordings_cover_every_kind_of_event() -> None:
    kinds = Counter(event.kind for recording in ALL for event in recording.events)

    assert set(EventKind) - set(kinds) == set()
    assert {recording.status for recording in ALL} == {"completed", "failed", "cancelled", "continued", "running"}


def test_a_log_that_another_code_made_is_refused() -> None:
    """What the other tests rely on: the machine does compare."""
    recording = next(found for found in ALL if "in_a_row" in found.name)
    created = next(index for index, event in enumerate(recording.events) if event.kind is EventKind.STEP_CREATED)
    event = recording.events[created]
    other = Event(event.kind, event.time, event.entity, {**event.data, "step": "step//another//one"}, event.slot)

    with pytest.raises(ReplayDivergenceError):
        recording.replayed([*recording.events[:created], other])
