"""How a handler works, and where its settings come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from workflow_runtime.settings import count, length_of_time, setting


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
        inline_steps=setting(environment, "WORKFLOW_INLINE_STEPS", count, defaults.inline_steps),
        budget=setting(environment, "WORKFLOW_INVOCATION_BUDGET", length_of_time, defaults.budget),
        event_limit=setting(environment, "WORKFLOW_EVENT_LIMIT", count, defaults.event_limit),
        check_replay=environment.get("WORKFLOW_CHECK_REPLAY") == "1",
    )
