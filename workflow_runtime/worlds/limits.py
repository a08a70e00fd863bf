"""When a limit has room for one message more."""

from __future__ import annotations

from workflow_runtime.worlds.base import Limit

_PUT_BACK = 1.0
"""Seconds that a taking has to lie ahead for the clock to have been put back since."""


def room_from(limit: Limit, *, held: int, holds_one: bool, last: float, now: float) -> float | None:
    """The time from which on there is room, 0 for now; None when a place has to come free first.

    ``held`` is how many places are taken under the limit's name, ``holds_one`` whether the message's run has one of them, and ``last``
    when a message was taken in hand under the name for the last time, 0 for never.
    """
    if limit.concurrency is not None and held >= limit.concurrency and not holds_one:
        return None
    if last > now + _PUT_BACK:
        return 0.0
    at = last + limit.every
    return at if at > now else 0.0
