"""What ``concurrency``, ``rate`` and ``priority`` may be, and what they mean."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from workflow_runtime import start, step, workflow
from workflow_runtime.limits import limits_of
from workflow_runtime.marking import options_of
from workflow_runtime.worlds.base import Limit


@pytest.mark.parametrize(
    ("rate", "every"),
    [
        ("10/second", 0.1),
        ("100/minute", 0.6),
        ("1000/hour", 3.6),
        ("1 / day", 86400.0),
        ("4/2 hours", 1800.0),
        ("3/1 h 30 min", 1800.0),
        ("5/S", 0.2),
    ],
)
def test_a_rate_is_evenly_spaced(rate: str, every: float) -> None:
    assert limits_of(None, rate).every == pytest.approx(every)


@pytest.mark.parametrize(
    "rate", ["", "10", "0/second", "-1/second", "1.5/second", "10/0 seconds", "10/parsec", "10/second/2", "/minute", "1/-5 s"]
)  # fmt: skip
def test_text_that_is_no_rate_is_refused_with_what_one_is(rate: str) -> None:
    with pytest.raises(ValueError, match="rate must be how many and in what time, as in '10/second'"):
        limits_of(None, rate)


@pytest.mark.parametrize("rate", [10, 1.5, ("10", "second"), True, b"10/second"])
def test_what_is_no_text_is_no_rate(rate: Any) -> None:
    with pytest.raises(TypeError, match="rate must be text as in '100/minute'"):
        step(rate=rate)


@pytest.mark.parametrize("concurrency", [0, -1, 1.0, True, "5"])
def test_a_concurrency_that_makes_no_sense_is_refused(concurrency: Any) -> None:
    for mark in (step, workflow):
        with pytest.raises(ValueError, match=f"concurrency must be a whole number from 1, not {concurrency!r}"):
            mark(concurrency=concurrency)


def test_a_step_says_what_holds_it_back() -> None:
    @step(concurrency=5, rate="100/minute", max_retries=1)
    async def limited() -> None: ...

    @step
    async def free() -> None: ...

    assert options_of(limited).limits.of("step//m//limited", of_run=False) == Limit("step//m//limited", 5, 0.6)
    assert options_of(free).limits.of("step//m//free", of_run=False) is None


def test_a_workflow_takes_limits_and_is_the_same_otherwise() -> None:
    @workflow(concurrency=2, rate="1/s")
    async def limited(x: int) -> int:
        return x

    assert limited.__name__ == "limited"
    assert limited.__wrapped__ is not limited  # type: ignore[attr-defined]  # functools.wraps sets it
    with pytest.raises(Exception, match="called directly"):
        asyncio.run(limited(1))


@pytest.mark.parametrize("priority", ["5", 1.5, True])
def test_what_is_no_whole_number_is_no_priority(priority: Any) -> None:
    with pytest.raises(TypeError, match="priority must be a whole number"):
        start.options(priority=priority)


@pytest.mark.parametrize("priority", [-101, 101, 10**12])
def test_there_are_so_many_priorities(priority: int) -> None:
    with pytest.raises(ValueError, match="priority must be from -100 to 100"):
        start.options(priority=priority)
