"""The facts and decisions that a run's log is made of.

An event is one line of a run's log. Decisions (``*_created``, ``wait_cancelled``, the end of the run) are made by the
machine and only ever land on the prefix that they were decided from; facts (a step's outcome, an elapsed wait, a
cancellation) come from outside and land whenever they happen. ``step_started`` and ``step_retrying`` are facts too, but
of no interest to workflow code: the machine passes over them.

What ``data`` holds, by kind:

=================  ==================================================================
run_created        ``workflow`` (id), ``bundle`` (hash), ``input`` (encoded call)
run_started        nothing
run_completed      ``output`` (encoded value)
run_failed         ``error`` (encoded error)
run_cancelled      ``reason`` (text or null)
step_created       ``step`` (id of the function), ``input`` (encoded call)
step_started       ``attempt`` (1-based count of starts), ``message`` (id of the owning message)
step_retrying      ``attempt``, ``error``, ``retry_at`` (unix seconds), ``counted`` (false after a TooEarlyError)
step_completed     ``attempt``, ``output``
step_failed        ``attempt``, ``error``
wait_created       ``until`` (unix seconds)
wait_completed     nothing
wait_cancelled     nothing
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
    STEP_CREATED = "step_created"
    STEP_STARTED = "step_started"
    STEP_RETRYING = "step_retrying"
    STEP_COMPLETED = "step_completed"
    STEP_FAILED = "step_failed"
    WAIT_CREATED = "wait_created"
    WAIT_COMPLETED = "wait_completed"
    WAIT_CANCELLED = "wait_cancelled"


RUN_ENDS = frozenset({EventKind.RUN_COMPLETED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED})
STEP_ENDS = frozenset({EventKind.STEP_COMPLETED, EventKind.STEP_FAILED})
WAIT_ENDS = frozenset({EventKind.WAIT_COMPLETED, EventKind.WAIT_CANCELLED})
# What the machine passes over: these tell how a step is run, not what came of it.
NEUTRAL = frozenset({EventKind.RUN_STARTED, EventKind.STEP_STARTED, EventKind.STEP_RETRYING})


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``time`` is unix seconds, set by whoever made it; ``slot`` is 0 until the log holds it."""

    kind: EventKind
    time: float
    entity: str = ""
    """The correlation id of the step or wait; empty for the run's own events."""
    data: Mapping[str, Json] = field(default_factory=dict)
    slot: int = 0
