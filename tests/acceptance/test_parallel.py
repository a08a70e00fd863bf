"""Steps at once, and how many invocations that costs."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.acceptance.app import App


@pytest.mark.acceptance("promiseAllWorkflow")
def test_steps_at_once_give_their_results_in_the_order_of_the_calls(app: App) -> None:
    assert app.run("parallel.all_of_them") == "ABC"


@pytest.mark.acceptance("promiseRaceWorkflow")
def test_a_race_ends_with_its_first_step_whatever_else_runs(app: App) -> None:
    run = app.begin("parallel.race")

    assert app.result(run) == "B"
    assert len(app.events(run, "step_completed")) == 1, "the others were still running"


@pytest.mark.acceptance("promiseAnyWorkflow")
def test_the_first_success_is_taken_and_an_earlier_failure_is_not(app: App) -> None:
    assert app.run("parallel.first_success") == "B"


@pytest.mark.acceptance("promiseRaceStressTestWorkflow")
def test_race_after_race_takes_each_step_once(app: App) -> None:
    assert app.run("parallel.race_stress") == [0, 1, 2, 3, 4]


@pytest.mark.acceptance("threeBatchesOfFive")
def test_batches_of_steps_follow_each_other_in_one_invocation(app: App) -> None:
    run = app.begin("parallel.three_batches_of_five")

    assert app.result(run) == [10, 60, 110]
    assert app.invocations(run) == 1


@pytest.mark.acceptance("inline: sequential")
def test_steps_in_a_row_cost_one_invocation(app: App) -> None:
    run = app.begin("basics.add_ten", 10)

    assert app.result(run) == 20
    assert app.invocations(run) == 1


@pytest.mark.acceptance("inline: sleep")
def test_a_sleep_costs_a_second_invocation(app: App) -> None:
    run = app.begin("waiting.add_and_sleep", 1, 2)

    assert app.result(run) == 3
    assert app.invocations(run) == 2


@pytest.mark.acceptance("inline: Promise.all")
def test_steps_at_once_cost_one_to_three_invocations(app: App) -> None:
    run = app.begin("parallel.numbers_at_once")

    assert app.result(run) == 33
    assert 1 <= app.invocations(run) <= 3


@pytest.mark.acceptance("inline: 5 steps with abort signal")
def test_steps_in_a_row_beside_what_is_called_off_cost_one_invocation(app: App) -> None:
    run = app.begin("cancelling.five_steps_with_abort")

    assert app.result(run) == 30
    assert app.invocations(run) == 1
    assert app.events(run, "wait_cancelled")


@pytest.mark.acceptance("race: step-storm")
def test_more_steps_than_one_invocation_takes_on_run_once_each(app: App) -> None:
    run = app.begin("parallel.step_storm", 80)

    assert app.result(run) == 80
    ran = Counter(mark["label"] for mark in app.marks(run))
    assert len(ran) == 80
    assert set(ran.values()) == {1}


@pytest.mark.acceptance("race: blocked-branch")
def test_a_branch_goes_on_while_another_waits_for_a_slow_step(app: App) -> None:
    run = app.begin("parallel.blocked_branch")

    assert app.result(run) == ["BCDE", "A"]
    assert [event["data"]["output"] for event in app.events(run, "step_completed")][:3] == [*"BCD"]


@pytest.mark.acceptance("race: wake-loop")
def test_wake_ups_and_outcomes_that_cross_are_all_taken(app: App) -> None:
    run = app.begin("parallel.wake_loop")

    assert app.result(run) == [3, 13, 23, 33]
    assert len(app.events(run, "wait_completed")) == len(app.events(run, "step_completed")) == 12


@pytest.mark.acceptance("race: inline-hang")
def test_what_follows_a_sleep_does_not_wait_for_a_step_of_the_same_invocation(app: App) -> None:
    assert app.run("parallel.inline_hang") == ["woken", False, "slow"]
