"""The facts and decisions that a run's log is made of.

An event is one line of a run's log. Decisions (``*_created``, ``*_cancelled`` of a step or wait, ``hook_disposed``, the
end of the run) are made by the machine and only ever land on the prefix that they were decided from; facts (a step's
outcome, an elapsed wait, a payload, the cancellation of the run) come from outside and land whenever they happen.
``step_started`` and ``step_retrying`` are facts too, but of no interest to workflow code: the machine passes over them.
``attributes_set`` is a decision when workflow code sets them, and a fact, with ``step``, when a step does.

What ``data`` holds, by kind:

=================  ==================================================================
run_created        ``workflow`` (id), ``bundle`` (hash), ``input`` (encoded call), ``seed``; where there is one:
                   ``parent`` and ``root`` (run ids), ``continues`` (run id), ``attributes`` (text to text), ``url`` (base
                   of the app's routes), ``trace`` (W3C traceparent), ``priority`` (whole number); of a run that runs another again, ``retries`` (run id),
                   ``began`` (unix seconds: when the first of them was created), ``children`` (correlation id to run id),
                   ``calls`` (correlation id of an open step to its idempotency key)
run_started        nothing
run_completed      ``output`` (encoded value)
run_failed         ``error`` (encoded error)
run_cancelled      ``reason`` (text or null)
run_continued      ``run`` (id of the run that goes on in its place), ``input`` (encoded call)
step_created       ``step`` (id of the function), ``input`` (encoded call)
step_started       ``attempt`` (1-based count of starts), ``message`` (id of the owning message)
step_retrying      ``attempt``, ``error``, ``retry_at`` (unix seconds), ``counted`` (false after a TooEarlyError)
step_completed     ``attempt``, ``output``
step_failed        ``attempt``, ``error``
step_cancelled     nothing
wait_created       ``until`` (unix seconds)
wait_completed     nothing
wait_cancelled     nothing
hook_created       ``token``, ``metadata`` (encoded value or null), ``webhook`` (how to respond, or null for a plain hook)
hook_conflict      ``token``, ``run`` (the token's owner): how a ``hook_created`` lands when another run has the token
hook_received      ``payload`` (encoded value), ``key`` (text or null): a second one with the same key never lands
hook_disposed      nothing
child_created      ``run`` (id), ``workflow`` (id), ``input`` (encoded call), ``attributes`` (text to text); where the workflow has
                   given one: ``priority`` (whole number)
watch_created      ``run`` (id of the run whose end is awaited)
watch_completed    ``run`` (id of the run that ended, the last one of its chain), ``status``, and ``output``, ``error`` or ``reason``
attributes_set     ``attributes`` (text to text, null removes one), ``step`` (correlation id) when a step set them
=================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Any  # what json.loads gives; a recursive alias would force casts at each use and prove nothing


class EventKind(StrEnum):
    """The kinds of event, named as they are stored."""

    RUN_CREATED = "run_created"
    RUN_STARTED = "run_started"
    RUN_COMPLETED = "run_completed"
    RUN_FAILED = "run_failed"
    RUN_CANCELLED = "run_cancelled"
    RUN_CONTINUED = "run_continued"
    STEP_CREATED = "step_created"
    STEP_STARTED = "step_started"
    STEP_RETRYING = "step_retrying"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    STEP_CANCELLED = "step_cancelled"
    WAIT_CREATED = "wait_created"
    WAIT_COMPLETED = "wait_completed"
    WAIT_CANCELLED = "wait_cancelled"
    HOOK_CREATED = "hook_created"
    HOOK_CONFLICT = "hook_conflict"
    HOOK_RECEIVED = "hook_received"
    HOOK_DISPOSED = "hook_disposed"
    CHILD_CREATED = "child_created"
    WATCH_CREATED = "watch_created"
    WATCH_COMPLETED = "watch_completed"
    ATTRIBUTES_SET = "attributes_set"


RUN_ENDS = frozenset({EventKind.RUN_COMPLETED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED, EventKind.RUN_CONTINUED})
STEP_ENDS = frozenset({EventKind.STEP_COMPLETED, EventKind.STEP_FAILED, EventKind.STEP_CANCELLED})
WAIT_ENDS = frozenset({EventKind.WAIT_COMPLETED, EventKind.WAIT_CANCELLED})
# What workflow code decides, but for the end of the run.
DECISIONS = frozenset(
    {
        EventKind.STEP_CREATED,
        EventKind.STEP_CANCELLED,
        EventKind.WAIT_CREATED,
        EventKind.WAIT_CANCELLED,
        EventKind.HOOK_CREATED,
        EventKind.HOOK_CONFLICT,
        EventKind.HOOK_DISPOSED,
        EventKind.CHILD_CREATED,
        EventKind.WATCH_CREATED,
        EventKind.ATTRIBUTES_SET,
    }
)
# What the machine passes over: these tell how a step is run, not what came of it.
NEUTRAL = frozenset({EventKind.STEP_STARTED, EventKind.STEP_RETRYING})


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``time`` is unix seconds, set by whoever made it; ``slot`` is 0 until the log holds it."""

    kind: EventKind
    time: float
    entity: str = ""
    """The correlation id of the step, wait, hook, child or watch; empty for the run's own events."""
    data: Mapping[str, Json] = field(default_factory=dict)
    slot: int = 0


def is_neutral(event: Event) -> bool:
    """Whether the machine passes over the event."""
    return event.kind in NEUTRAL or (event.kind is EventKind.ATTRIBUTES_SET and "step" in event.data)
