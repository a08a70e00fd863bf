"""What keeps a run's messages from workers: that is not in its log, but in the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workflow_runtime.worlds.types import RunInfo

OFTEN = 3
"""So many times, workers hand nothing back by chance: stopping one hands back what it has in hand, too."""
A_WHILE = 3.0
"""Seconds that something has to wait for a worker before lists ask the queue why: sooner it tells nothing."""
ASK_AGAIN = 5.0
"""Seconds after which who goes on looking asks it again."""


@dataclass(frozen=True, slots=True)
class Held:
    """What keeps messages of one run from being worked on."""

    paused: tuple[str, ...] = ()
    """What was paused that the run is part of: its workflow's id, an empty text for everything."""
    handed_back: Mapping[str, int] = field(default_factory=dict)
    """How often workers have handed back the messages of steps, by the step's correlation id, and of the run itself, under an empty text.
    Those that it happened to less than ``OFTEN`` are left out.
    """


NOT_HELD = Held()


def pauses(run: RunInfo, paused: Iterable[str]) -> tuple[str, ...]:
    """Those of what is paused that the run is part of; none when it has ended."""
    return () if run.status.ended else tuple(name for name in paused if name in ("", run.workflow))
