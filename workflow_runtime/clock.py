"""What time it is for runs: the one clock that handlers, the memory world and the clients of a process look at.

The worlds that are shared with other processes have the machine's own clock, whatever stands here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_in_place: Callable[[], float] | None = None


def now() -> float:
    """Unix seconds."""
    return time.time() if _in_place is None else _in_place()


@contextmanager
def clock_in_place(clock: Callable[[], float]) -> Iterator[None]:
    """Within the block, ``clock`` tells this process's runs what time it is. For tests."""
    global _in_place
    before, _in_place = _in_place, clock
    try:
        yield
    finally:
        _in_place = before
