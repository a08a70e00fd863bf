"""When a step that failed is run again: policies as frozen values, for ``@step(retry=…)``.

``constant``, ``linear`` and ``exponential`` make a policy; ``NO_RETRY`` is the one that says never. A mapping from
classes of errors to policies chooses by what was raised: the first class that fits decides, so a wide class comes last.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias

from workflow_runtime.durations import length
from workflow_runtime.errors import FatalError, RetryableError, TooEarlyError

LONGEST = 365 * 86400.0
"""Seconds that no policy waits longer than, whatever it grows to."""
_MOST_FAILURES = 2**53
_NOT_BY_RULE = {FatalError: "is never retried", TooEarlyError: "says itself when to come back"}


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after a failure. All lengths are in seconds. Made by ``constant``, ``linear``, ``exponential``."""

    first: float
    factor: float = 1.0
    step: float = 0.0
    cap: float = LONGEST
    jitter: float = 0.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after the failure with the number ``failures``, counted from 1; of any size, never above ``cap``."""
        before = min(max(failures - 1, 0), _MOST_FAILURES)
        try:
            grown = self.first * self.factor**before + self.step * before
        except OverflowError:
            grown = self.cap
        return min(self.cap, grown) * (1 - self.jitter * random.random())


@dataclass(frozen=True, slots=True)
class NoRetry:
    """The policy of what is not worth another try."""

    def __repr__(self) -> str:
        return "NO_RETRY"


NO_RETRY: Final = NoRetry()
"""Fail the step at once, however many retries are left. A ``RetryableError`` is retried all the same."""

Policy: TypeAlias = Backoff | NoRetry
Retry: TypeAlias = Policy | Mapping[type[BaseException], Policy]
"""What ``@step(retry=…)`` takes: one policy for all errors, or one for each class of errors."""
Rules: TypeAlias = tuple[tuple[type[BaseException], Policy], ...]


def constant(delay: float | str | timedelta, *, jitter: float = 0.0) -> Backoff:
    """Wait ``delay`` after each failure: seconds, a timedelta, or text as in "30 s".

    ``jitter`` is the share of each wait that is left to chance, from 0 to 1: with 0.1, a wait is cut by up to a tenth,
    so that what failed together does not come back together. Raises ``ValueError`` and ``TypeError`` for what can not be.
    """
    return Backoff(_wait("delay", delay), jitter=_share(jitter))


def linear(
    first: float | str | timedelta,
    step: float | str | timedelta,
    *,
    cap: float | str | timedelta | None = None,
    jitter: float = 0.0,
) -> Backoff:
    """Wait ``first`` after the first failure and ``step`` longer after each further one, never longer than ``cap``.

    Without a cap, that is a year. ``jitter`` is as in ``constant``.
    """
    begun = _wait("first", first)
    return Backoff(begun, step=_wait("step", step), cap=_cap(cap, begun), jitter=_share(jitter))


def exponential(
    first: float | str | timedelta,
    *,
    factor: float = 2.0,
    cap: float | str | timedelta | None = None,
    jitter: float = 0.0,
) -> Backoff:
    """Wait ``first`` after the first failure and ``factor`` times as long after each further one, never longer than ``cap``.

    Without a cap, that is a year. ``jitter`` is as in ``constant``.
    """
    begun = _wait("first", first)
    if begun <= 0:
        raise ValueError(f"first must be longer than nothing, not {first!r}: it would never grow; use constant(0)")
    return Backoff(
        begun, factor=_number("factor", factor, 1.0, sys.float_info.max), cap=_cap(cap, begun), jitter=_share(jitter)
    )


def rules_of(retry: Retry | None) -> Rules:
    """The policies by class of error, in the order in which they are asked.

    Raises ``TypeError`` for what is no policy, and ``ValueError`` for a rule that could never apply.
    """
    if retry is None:
        return ()
    if isinstance(retry, Backoff | NoRetry):
        return ((BaseException, retry),)
    if not isinstance(retry, Mapping):
        raise TypeError(
            f"retry must be constant(…), linear(…), exponential(…), NO_RETRY, or a dict from classes of errors to these, "
            f"not {retry!r}"
        )
    rules = tuple(retry.items())
    for number, (kind, policy) in enumerate(rules):
        _check_rule(kind, policy, rules[:number])
    return rules


def policy_for(rules: Rules, error: BaseException) -> Policy | None:
    """The policy of the first class that ``error`` is an instance of; None when there is none."""
    return next((policy for kind, policy in rules if isinstance(error, kind)), None)


def _check_rule(kind: object, policy: object, earlier: Rules) -> None:
    if not isinstance(kind, type) or not issubclass(kind, BaseException):
        raise TypeError(f"retry has {kind!r} as a key, which is no class of errors")
    if not isinstance(policy, Backoff | NoRetry):
        raise TypeError(f"retry has {policy!r} for {kind.__name__}, which is no policy; use constant(…) or NO_RETRY")
    for special, says in _NOT_BY_RULE.items():
        if special in kind.__mro__:
            raise ValueError(f"retry has a rule for {kind.__name__}, which {says}: leave the rule out")
    if policy == NO_RETRY and RetryableError in kind.__mro__:
        raise ValueError(f"retry has NO_RETRY for {kind.__name__}, which asks to be retried: derive it from FatalError")
    covering = next((other for other, _ in earlier if issubclass(kind, other)), None)
    if covering is not None:
        raise ValueError(
            f"retry's rule for {kind.__name__} never applies, as {covering.__name__} stands before it and covers it: "
            f"put {kind.__name__} first"
        )


def _wait(name: str, value: float | str | timedelta) -> float:
    found = length(name, value)
    if found > LONGEST:
        raise ValueError(f"{name} must be at most a year, not {value!r}")
    return found


def _cap(value: float | str | timedelta | None, first: float) -> float:
    if value is None:
        return LONGEST
    cap = _wait("cap", value)
    if cap < first:
        raise ValueError(f"cap must be at least as long as the first wait, not {value!r}")
    return cap


def _share(value: float) -> float:
    return _number("jitter", value, 0.0, 1.0)


def _number(name: str, value: object, least: float, most: float) -> float:
    limits = f"from {least:g} to {most:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number {limits}, not {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} must be a number {limits}, not {value!r}")
    return float(value)
