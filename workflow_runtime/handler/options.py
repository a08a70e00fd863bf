"""How a handler works, and where its settings come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from workflow_runtime.durations import seconds
from workflow_runtime.errors import WorkflowError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HandlerOptions:
    """How a handler works."""

    inline_steps: int = 64
    """How many steps of one run are executed at once in one invocation at most; the rest goes through the queue."""
    extend_every: float = 5.0
    """Seconds between two signs of life while steps run."""
    patience: int = 8
    """How often a process hands a message back for want of a bundle or a step: during a deploy, another one may have it."""
    budget: float | None = None
    """Seconds after which an invocation starts no more steps, and leaves them to the queue; None for no limit."""
    event_limit: int = 25_000
    """How many events a log may have before its run fails with ``EventLimitError``."""
    check_replay: bool = False
    """Rebuild the machine after each event, and insist that it decides the same. For tests: n events cost n²."""


def options_from(environment: Mapping[str, str] = os.environ) -> HandlerOptions:
    """The options that ``WORKFLOW_INLINE_STEPS``, ``WORKFLOW_INVOCATION_BUDGET``, ``WORKFLOW_EVENT_LIMIT`` and
    ``WORKFLOW_CHECK_REPLAY`` set, the defaults for those that are not set. Raises ``WorkflowError`` when one makes no sense.
    """
    defaults = HandlerOptions()
    return HandlerOptions(
        inline_steps=_read(environment, "WORKFLOW_INLINE_STEPS", _count, defaults.inline_steps),
        budget=_read(environment, "WORKFLOW_INVOCATION_BUDGET", _duration, defaults.budget),
        event_limit=_read(environment, "WORKFLOW_EVENT_LIMIT", _count, defaults.event_limit),
        check_replay=environment.get("WORKFLOW_CHECK_REPLAY") == "1",
    )


def _read(environment: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    text = environment.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise WorkflowError(f"{name} is {text!r}: {error}") from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError("give a whole number from 1 on")
    return int(text)


def _duration(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else seconds(text)
