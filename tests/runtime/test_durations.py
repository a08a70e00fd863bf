"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from workflow_runtime.durations import seconds, when


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (5, 5.0),
        (0.25, 0.25),
        ("90 seconds", 90.0),
        ("1h30m", 5400.0),
        ("1 h 30 min", 5400.0),
        ("2 days, 1 hour", 176400.0),
        ("1.5 weeks", 907200.0),
        ("250 ms", 0.25),
        ("1 Day", 86400.0),
        (timedelta(minutes=2), 120.0),
        (-3, 0.0),
    ],
)
def test_lengths_of_time(written: Any, expected: Any) -> None:
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", ["", "soon", "5", "5 parsecs", "day", "1 day and", float("nan"), float("inf")])
def test_what_is_no_duration_says_so(wrong: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(wrong)


@pytest.mark.parametrize("wrong", [None, True, [], object()])
def test_the_wrong_type_says_so(wrong: Any) -> None:
    with pytest.raises(TypeError, match="duration"):
        seconds(wrong)


def test_a_datetime_is_a_moment_and_utc_without_a_zone() -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert when(moment, 0.0) == moment.timestamp()
    assert when(moment.replace(tzinfo=None), 0.0) == moment.timestamp()
    assert when(moment.astimezone(timezone(timedelta(hours=5))), 0.0) == moment.timestamp()


def test_a_length_counts_from_now() -> None:
    assert when("1 minute", 1000.0) == 1060.0
