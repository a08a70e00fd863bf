"""Sleeps: never early, many at once, beside other things."""

from __future__ import annotations

import pytest

from tests.acceptance.app import App

CLOCK = 0.001
"""Seconds by which times that were rounded may differ."""


@pytest.mark.acceptance("sleepingWorkflow")
def test_a_sleep_is_never_early(app: App) -> None:
    run = app.begin("waiting.sleeping", 0.8)

    before, after = app.result(run)

    assert after - before >= 0.8 - CLOCK
    (started,), (completed,) = app.events(run, "run_started"), app.events(run, "wait_completed")
    assert completed["time"] - started["time"] >= 0.8 - CLOCK


@pytest.mark.acceptance("sleepingWorkflow")
def test_a_sleep_of_a_run_that_began_late_is_as_long_as_any(app: App) -> None:
    run = app.begin("waiting.sleeping", 0.5, delay="700 ms")

    before, after = app.result(run)

    assert after - before >= 0.5 - CLOCK
    (started,), (completed,) = app.events(run, "run_started"), app.events(run, "wait_completed")
    assert completed["time"] - started["time"] >= 0.5 - CLOCK


@pytest.mark.acceptance("parallelSleepWorkflow")
def test_sleeps_at_once_are_one_sleep_long(app: App) -> None:
    run = app.begin("waiting.parallel_sleeps")

    assert app.result(run) == 10
    created, completed = app.events(run, "wait_created"), app.events(run, "wait_completed")
    assert len(created) == len(completed) == 10
    assert max(event["slot"] for event in created) < min(event["slot"] for event in completed)
    assert len({event["data"]["until"] for event in created}) == 1


@pytest.mark.acceptance("sleepInLoopWorkflow")
def test_no_turn_of_a_loop_begins_before_its_time(app: App) -> None:
    run = app.begin("waiting.sleep_in_loop")

    first, second, third = app.result(run)

    assert second - first >= 0.6 - CLOCK
    assert third - second >= 0.6 - CLOCK
    assert [mark["label"] for mark in app.marks(run)] == ["turn 0", "turn 1", "turn 2"]


@pytest.mark.acceptance("sleepWithSequentialStepsWorkflow")
def test_steps_go_on_beside_a_sleep_that_is_pending(app: App) -> None:
    assert app.run("waiting.sleep_beside_steps") == [3, 6, 10, False]


@pytest.mark.acceptance("hookWithSleepWorkflow")
def test_payloads_are_taken_while_a_sleep_is_pending(app: App, token: str) -> None:
    run = app.begin("waiting.hook_with_sleep", token)
    app.hook(token)

    for number in (1, 2, 3):
        assert app.resume(token, number) == run

    assert app.result(run) == [101, 102, 103, False]
