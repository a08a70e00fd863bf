"""What a log can not hold, each as a log that holds it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workflow_runtime.events import Event, EventKind
from workflow_runtime.histories import faults_of
from workflow_runtime.worlds.base import Log, RunInfo, RunStatus

K = EventKind
STEP, WAIT, HOOK, WATCH = "step_000001", "wait_000002", "hook_000003", "watch_000004"
CREATED = Event(K.STEP_CREATED, 2.0, STEP, {"step": "step//shop//charge", "input": {}})
RETRYING = Event(K.STEP_RETRYING, 4.0, STEP, {"attempt": 1, "error": {}, "retry_at": 9.0, "counted": True})
COMPLETED = Event(K.STEP_COMPLETED, 4.0, STEP, {"attempt": 1, "output": 1})
SLEEPS = Event(K.WAIT_CREATED, 2.0, WAIT, {"until": 60.0})
OPENS = Event(K.HOOK_CREATED, 2.0, HOOK, {"token": "t"})
WATCHES = Event(K.WATCH_CREATED, 2.0, WATCH, {"run": "wrun_other"})
END = Event(K.RUN_COMPLETED, 99.0, "", {"output": 1})


def started(attempt: int, time: float = 3.0) -> Event:
    return Event(K.STEP_STARTED, time, STEP, {"attempt": attempt, "message": "wmsg_1"})


def received(key: str | None) -> Event:
    return Event(K.HOOK_RECEIVED, 5.0, HOOK, {"payload": 1, "key": key})


def log(*events: Event) -> Log:
    """A log that begins rightly and goes on so, with the run as its events leave it."""
    data = {"workflow": "workflow//shop//checkout", "bundle": "b", "input": {}}
    every = [Event(K.RUN_CREATED, 1.0, "", data), Event(K.RUN_STARTED, 1.0), *events]
    ended = every[-1].kind is K.RUN_COMPLETED
    status = RunStatus.COMPLETED if ended else RunStatus.RUNNING
    run = RunInfo("wrun_1", "", "", status, 1.0, 1.0, 99.0 if ended else None, len(every))
    return Log(run, tuple(replace(event, slot=slot) for slot, event in enumerate(every, 1)))


RIGHT = {
    "nothing": (),
    "a step": (CREATED, started(1), COMPLETED, END),
    "a step that was taken over": (CREATED, started(1), started(2), replace(COMPLETED, data={"attempt": 2}), END),
    "a retry in time": (CREATED, started(1), RETRYING, started(2, 9.0)),
    "a wait in time": (SLEEPS, Event(K.WAIT_COMPLETED, 60.0, WAIT)),
    "a hook": (OPENS, received("a"), received("b"), received(None), received(None), Event(K.HOOK_DISPOSED, 6.0, HOOK)),
    "a watch": (WATCHES, Event(K.WATCH_COMPLETED, 6.0, WATCH, {"run": "wrun_other"})),
    "a step that is called off": (CREATED, started(1), Event(K.STEP_CANCELLED, 6.0, STEP), END),
}
WRONG = {
    "follows the run's end": (END, CREATED),
    "the run is started twice": (Event(K.RUN_STARTED, 2.0),),
    "is created twice": (CREATED, CREATED),
    "is started, and is not open": (started(1),),
    "attempt 2 after the attempt 0": (CREATED, started(2)),
    "attempt 1 after the attempt 1": (CREATED, started(1), started(1)),
    "too early": (CREATED, started(1), RETRYING, started(2, 8.5)),
    "which does not run": (CREATED, COMPLETED),
    "attempt 1, which does not run": (CREATED, started(1), COMPLETED, COMPLETED),
    "attempt 2, which does not run": (CREATED, started(1), replace(COMPLETED, data={"attempt": 2})),
    "is cancelled, and is not open": (Event(K.STEP_CANCELLED, 2.0, STEP),),
    "is over 0.500 s too early": (SLEEPS, Event(K.WAIT_COMPLETED, 59.5, WAIT)),
    "wait_cancelled of wait_000002": (Event(K.WAIT_CANCELLED, 2.0, WAIT),),
    "receives a payload, and is not open": (OPENS, Event(K.HOOK_DISPOSED, 6.0, HOOK), received(None)),
    "receives the payload 'a' twice": (OPENS, received("a"), received("a")),
    "is disposed of, and is not open": (Event(K.HOOK_DISPOSED, 6.0, HOOK),),
    "is told of an end twice": (Event(K.WATCH_COMPLETED, 6.0, WATCH),),
    "attributes are set by step_000001": (Event(K.ATTRIBUTES_SET, 3.0, "", {"attributes": {}, "step": STEP}),),
    "and no other, is run_created": (Event(K.RUN_CREATED, 3.0),),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_can_be_is_no_fault(name: str) -> None:
    assert faults_of(log(*RIGHT[name])) == []


@pytest.mark.parametrize("what", WRONG)
def test_what_can_not_be_is_a_fault_with_its_slot(what: str) -> None:
    found = [fault for fault in faults_of(log(*WRONG[what])) if fault.slot]

    assert [fault.slot for fault in found] == [2 + len(WRONG[what])]
    assert what in found[0].what


def test_a_hole_is_a_fault() -> None:
    whole = log(CREATED, started(1), COMPLETED)
    holed = Log(whole.run, (*whole.events[:2], *whole.events[3:]))

    assert any("hole" in fault.what for fault in faults_of(holed))


@pytest.mark.parametrize(
    "run", [{"slot": 9}, {"status": RunStatus.FAILED, "ended_at": 1.0}, {"ended_at": 5.0}], ids=str
)
def test_a_run_that_is_otherwise_than_its_log_is_a_fault(run: dict[str, object]) -> None:
    right = log(CREATED)

    assert faults_of(Log(replace(right.run, **run), right.events))  # type: ignore[arg-type]  # any field may differ
