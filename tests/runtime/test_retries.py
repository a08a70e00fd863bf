"""Retry policies as values, the options of ``@step``, and what becomes of each error under them."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_runtime import (
    NO_RETRY,
    FatalError,
    RetryableError,
    StepTimeoutError,
    TooEarlyError,
    constant,
    exponential,
    linear,
    step,
)
from workflow_runtime.context import CallOff
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.steps import Attempt, StepRunner
from workflow_runtime.marking import StepOptions, options_of
from workflow_runtime.project import Registrations
from workflow_runtime.retries import LONGEST, Retry, policy_for, rules_of
from workflow_runtime.values import decode_error
from workflow_runtime.worlds.memory import MemoryWorld


class RateLimited(ConnectionError):
    """The user's own."""


class Declined(FatalError):
    """The user's own, final."""


def test_delays_follow_the_number_of_failures() -> None:
    assert [constant("2 s").delay(n) for n in (1, 2, 9)] == [2, 2, 2]
    assert [linear(1, 5, cap=12).delay(n) for n in (1, 2, 3, 4, 99)] == [1, 6, 11, 12, 12]
    assert [exponential(1, cap="1 min").delay(n) for n in (1, 2, 3, 6, 7, 8)] == [1, 2, 4, 32, 60, 60]
    assert [exponential(timedelta(seconds=2), factor=3).delay(n) for n in (1, 2, 3)] == [2, 6, 18]


@given(st.one_of(st.integers(-3, 10), st.just(10**400), st.integers(10**3, 10**30)), st.floats(0, 1))
def test_no_number_of_failures_overflows(failures: int, jitter: float) -> None:
    for policy in (linear(1, 9, jitter=jitter), exponential(1, jitter=jitter), exponential(1, factor=1e300)):
        assert 0 <= policy.delay(failures) <= LONGEST


def test_a_constant_stays_constant_for_ever() -> None:
    assert constant(5).delay(10**400) == 5


@pytest.mark.parametrize("jitter", [0.25, 1.0])
def test_jitter_only_shortens_and_by_its_share_at_most(jitter: float) -> None:
    delays = [constant(100, jitter=jitter).delay(1) for _ in range(500)]
    assert 100 * (1 - jitter) <= min(delays) < max(delays) <= 100
    assert max(delays) - min(delays) > 100 * jitter / 2


def test_policies_are_values_that_compare_and_show_themselves() -> None:
    assert exponential(1, cap="5 min") == exponential("1 s", factor=2.0, cap=300)
    assert repr(NO_RETRY) == "NO_RETRY"
    assert len({constant(1), constant("1 s"), linear(1, 1), NO_RETRY}) == 3


def test_the_first_class_that_fits_decides_subclasses_included() -> None:
    rules = rules_of({RateLimited: exponential(1), OSError: constant(9), ValueError: NO_RETRY})
    assert policy_for(rules, RateLimited()) == exponential(1)
    assert policy_for(rules, ConnectionError()) == constant(9)
    assert policy_for(rules, UnicodeError()) == NO_RETRY
    assert policy_for(rules, KeyError()) is None
    assert policy_for(rules_of(constant(4)), SystemExit()) == constant(4)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: constant(-1), "delay must not be below zero"),
        (lambda: constant("soon"), "delay: 'soon' is no duration"),
        (lambda: constant(float("inf")), "delay: inf is no duration"),
        (lambda: constant("2 years"), "delay"),
        (lambda: constant("800 days"), "at most a year"),
        (lambda: linear(1, timedelta(seconds=-1)), "step must not be below zero"),
        (lambda: linear(9, 1, cap=5), "cap must be at least as long as the first wait"),
        (lambda: exponential(0), r"first must be longer than nothing.*constant\(0\)"),
        (lambda: exponential(1, factor=0.5), "factor must be a number from 1"),
        (lambda: exponential(1, factor=float("nan")), "factor"),
        (lambda: exponential(1, jitter=1.5), "jitter must be a number from 0 to 1"),
        (lambda: rules_of({Declined: constant(1)}), "Declined, which is never retried"),
        (lambda: rules_of({TooEarlyError: constant(1)}), "says itself when to come back"),
        (lambda: rules_of({RetryableError: NO_RETRY}), "asks to be retried"),
        (lambda: rules_of({OSError: constant(1), RateLimited: constant(2)}), "RateLimited never applies.*OSError"),
        (lambda: step(max_retries=-1), "max_retries must be a whole number from 0, not -1"),
        (lambda: step(timeout=0), "timeout must be longer than nothing"),
        (lambda: step(timeout="-5 s"), "timeout: '-5 s' is no duration"),
        (lambda: step(timeout=10**400), "timeout: .* is not finite"),
    ],
)
def test_what_can_not_be_is_refused_by_value(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda bad: constant(bad), "delay must be seconds, a timedelta, or text"),
        (lambda bad: exponential(1, factor=bad), "factor must be a number"),
        (lambda bad: step(retry=bad), r"retry must be constant\(…\)"),
        (lambda bad: step(retry={bad: constant(1)}), "no class of errors"),
        (lambda bad: step(retry={ValueError: bad}), "for ValueError, which is no policy"),
        (lambda bad: step(timeout=bad), "timeout must be seconds"),
    ],
)
@pytest.mark.parametrize("bad", [True, 1j, len])
def test_what_can_not_be_is_refused_by_type(make: Callable[[Any], object], said: str, bad: Any) -> None:
    with pytest.raises(TypeError, match=said):
        make(bad)


def test_a_timeout_on_a_step_in_a_thread_is_refused_where_it_is_marked() -> None:
    with pytest.raises(TypeError, match=r"report .*no async function.*nothing can stop a thread.*`async def`"):

        @step(timeout=5)
        def report() -> None: ...


def test_options_keep_what_was_given_as_values() -> None:
    given: dict[type[BaseException], Any] = {RateLimited: exponential(1)}

    @step(max_retries=7, retry=given, timeout="1 min 30 s")
    async def charge() -> None: ...

    given[ValueError] = NO_RETRY
    assert options_of(charge) == StepOptions(7, ((RateLimited, exponential(1)),), 90.0)
    assert options_of(inspect.cleandoc) == StepOptions(3, (), None)


def test_a_marked_function_keeps_its_type() -> None:
    @step(max_retries=1, retry={ValueError: NO_RETRY, OSError: exponential(1, cap="5 min")}, timeout=timedelta(hours=1))
    async def charge(card: str, *, cents: int = 5) -> bytes:
        return card.encode()

    @step
    def report(pages: int) -> str:
        return str(pages)

    assert_type(report(3), str)
    coroutine: Coroutine[Any, Any, bytes] = charge("c", cents=4)
    coroutine.close()
    charge(5).close()  # type: ignore[arg-type]  # the mistake that the kept signature shows


async def outcome(
    error: BaseException, *, failures: int = 0, attempt: int | None = None, retryings: int | None = None, **options: Any
) -> Event:
    """What becomes of a step that raises ``error`` after so many recorded failures."""

    @step(**options)
    async def fail() -> None:
        raise error

    steps = Registrations()
    steps.add("step//app//fail", fail)
    known = failures if retryings is None else retryings
    with ThreadPoolExecutor(1) as threads:
        runner = StepRunner(MemoryWorld(), steps, threads)
        call: dict[str, Any] = {"args": []}
        return await runner.run(
            Attempt("wrun_1", "step_000001", "step//app//fail", call, attempt or known + 1, failures, known), CallOff()
        )


async def delay(error: BaseException, **more: Any) -> float | None:
    """Seconds until the next attempt, to the tenth; None when there is none."""
    event = await outcome(error, **more)
    return round(event.data["retry_at"] - time.time(), 1) if event.kind is EventKind.STEP_RETRYING else None


RULES: Retry = {RateLimited: exponential(10, cap=30), ValueError: NO_RETRY, StepTimeoutError: constant(7)}


async def test_the_delay_follows_the_policy_and_the_counted_failures() -> None:
    assert [await delay(RateLimited(), failures=n, max_retries=9, retry=RULES) for n in range(4)] == [10, 20, 30, 30]
    assert await delay(RateLimited(), failures=1, attempt=9, retryings=6, retry=RULES) == 20
    assert await delay(KeyError(), retry=RULES) == 1
    assert await delay(KeyError()) == 1
    assert await delay(KeyError(), retry=constant("1 hour")) == 3600


async def test_retryable_beats_the_policy_and_fatal_beats_all() -> None:
    assert await delay(RetryableError(retry_after="2 min"), retry=constant(7)) == 120
    assert await delay(RetryableError(), retry=constant(7)) == 7
    assert await delay(RetryableError(retry_after=5), retry=NO_RETRY) == 5
    assert await delay(RetryableError(), retry={Exception: NO_RETRY}) == 1
    assert await delay(Declined(), retry={Exception: constant(7)}) is None
    assert await delay(Declined(), max_retries=99) is None
    assert await delay(RetryableError(retry_after="2 min"), max_retries=0) is None


async def test_a_fatal_error_is_final_inside_of_a_group_too() -> None:
    deep = ExceptionGroup("outer", [OSError(), ExceptionGroup("inner", [Declined()])])
    assert await delay(deep, retry=constant(7)) is None
    assert await delay(ExceptionGroup("outer", [OSError(), RetryableError()]), retry=constant(7)) == 7


async def test_too_early_is_not_counted_whatever_the_options() -> None:
    event = await outcome(TooEarlyError(retry_after=3), failures=9, max_retries=0, retry=NO_RETRY)
    assert event.kind is EventKind.STEP_RETRYING
    assert event.data["counted"] is False
    assert round(event.data["retry_at"] - time.time()) == 3


async def test_an_error_that_is_not_to_be_retried_fails_at_once_and_says_by_whose_word() -> None:
    event = await outcome(UnicodeError("bad"), max_retries=9, retry=RULES)
    assert event.kind is EventKind.STEP_FAILED
    error = decode_error(event.data["error"])
    assert isinstance(error, UnicodeError)
    assert error.__notes__[0] == "step//app//fail ran once; its policy for UnicodeError is NO_RETRY"


async def test_used_up_retries_keep_the_error_and_tell_runs_from_failures() -> None:
    cause = OSError("the cable")
    error = RateLimited("429")
    error.__cause__ = cause
    event = await outcome(error, failures=2, attempt=8, retryings=4, max_retries=2)
    kept = decode_error(event.data["error"])
    assert event.kind is EventKind.STEP_FAILED
    assert str(kept) == "429"
    assert repr(kept.__cause__) == "OSError('the cable')"
    assert kept.__notes__[0] == "step//app//fail ran 8 times and failed 3 times; its 2 retries are used up"


async def test_any_number_of_attempts_has_a_delay() -> None:
    event = await outcome(OSError(), failures=10**9, attempt=10**9 + 1, max_retries=10**10, retry=exponential(1))
    assert event.kind is EventKind.STEP_RETRYING
    assert event.data["retry_at"] <= time.time() + LONGEST
