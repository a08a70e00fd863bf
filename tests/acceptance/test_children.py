"""Runs that start runs, cancellation, and what runs are found by."""

from __future__ import annotations

import pytest

from tests.acceptance.app import App, wait_for


@pytest.mark.acceptance("spawnWorkflowFromStepWorkflow")
def test_a_step_starts_a_run_and_another_awaits_it(app: App) -> None:
    run = app.begin("children.spawn_from_step", 42)

    child, result = app.result(run)

    assert result == 84
    assert app.info(child)["parent"] == run


@pytest.mark.acceptance("startFromWorkflow")
def test_children_started_by_workflow_code_signal_their_parent(app: App, token: str) -> None:
    run = app.begin("children.start_from_workflow", token)

    assert app.result(run) == [[0, 1, 2], [0, 10, 20]]
    children = [event["data"]["run"] for event in app.events(run, "child_created")]
    assert len(set(children)) == 3
    assert {app.info(child)["parent"] for child in children} == {run}


@pytest.mark.acceptance("fibonacciWorkflow")
def test_recursive_children_end(app: App) -> None:
    assert app.run("children.fibonacci", 6) == 8


@pytest.mark.acceptance("lineage")
def test_each_run_of_a_chain_knows_its_parent_and_the_first_one(app: App) -> None:
    run = app.begin("children.lineage", 3)

    first, second, third = app.result(run)

    assert first == {"run": run, "parent": None, "root": run}
    assert second == {"run": second["run"], "parent": run, "root": run}
    assert third == {"run": third["run"], "parent": second["run"], "root": run}
    assert app.info(third["run"])["root"] == run


@pytest.mark.acceptance("cancelRun")
def test_a_cancelled_run_is_cancelled_for_whoever_waits_and_its_step_hears_of_it(app: App) -> None:
    run = app.begin("cancelling.running_for_ever")
    app.mark(run, "endless begins")

    assert app.ask("POST", f"/runs/{run}/cancel", json={"reason": "no longer wanted"}) is True

    assert app.end(run) == {"status": "cancelled", "reason": "no longer wanted"}
    app.mark(run, "endless aborted")
    assert app.info(run)["status"] == "cancelled"
    assert app.ask("POST", f"/runs/{run}/cancel", json={}) is False


@pytest.mark.acceptance("cancelRun")
def test_the_children_of_a_cancelled_run_are_cancelled(app: App) -> None:
    run = app.begin("children.parent_of_sleepers", 2)
    app.event(run, "watch_created", 2)
    children = [event["data"]["run"] for event in app.events(run, "child_created")]

    app.ask("POST", f"/runs/{run}/cancel", json={})

    assert {app.end(child)["status"] for child in children} == {"cancelled"}


@pytest.mark.acceptance("cancelRun")
def test_runs_are_cancelled_in_bulk_by_what_they_are_found_by(app: App, token: str) -> None:
    wanted = [app.begin("children.sleeper", attributes={"label": token}) for _ in range(3)]
    other = app.begin("children.sleeper", attributes={"label": f"not {token}"})

    what = {"workflow": "children.sleeper", "label": token, "reason": "all of them"}
    assert app.ask("POST", "/cancel", json=what) == 3

    assert {app.end(run)["reason"] for run in wanted} == {"all of them"}
    assert app.info(other)["status"] in ("pending", "running")
    app.ask("POST", f"/runs/{other}/cancel", json={})


@pytest.mark.acceptance("abortFetchInFlight")
def test_a_step_that_its_workflow_calls_off_hears_of_it_while_it_runs(app: App) -> None:
    run = app.begin("cancelling.abort_in_flight")

    assert app.result(run) == "aborted", "its body had heard of it before the run went on"
    assert app.steps(run, "fetch_slowly") == ["step_started", "step_cancelled"]


@pytest.mark.acceptance("abortFetchUncaught")
def test_a_step_that_is_called_off_is_not_retried(app: App) -> None:
    run = app.begin("cancelling.abort_uncaught")

    assert app.error(run)["class"] == "CancelledError"
    assert not app.events(run, "step_retrying")
    app.mark(run, "fetch aborted")


@pytest.mark.acceptance("abortVoidSleepTimeout")
def test_a_timeout_calls_its_step_off(app: App) -> None:
    run = app.begin("cancelling.abort_after_sleep")

    assert app.result(run) == "timed out"
    app.mark(run, "fetch aborted")


@pytest.mark.acceptance("abortParallel")
def test_steps_that_run_at_once_are_called_off_together(app: App) -> None:
    run = app.begin("cancelling.abort_parallel")

    assert app.result(run) == ["CancelledError"] * 3
    for number in range(3):
        app.mark(run, f"fetch {number} aborted")


@pytest.mark.acceptance("abortAnyInStep")
def test_a_race_inside_of_a_step_calls_its_loser_off(app: App) -> None:
    run = app.begin("cancelling.abort_any_in_step")

    assert app.result(run) == "nap"
    assert [mark["label"] for mark in app.marks(run)] == ["inner begins", "inner aborted"]


@pytest.mark.acceptance("addTenWorkflow")
def test_a_run_is_found_by_attributes_of_its_start_its_workflow_and_its_steps(app: App, token: str) -> None:
    run = app.begin("lasting.labelled", token, attributes={"label": token})
    app.hook(token)

    (found,) = app.ask("GET", "/runs", params={"label": token})
    assert (found["id"], found["attributes"]) == (run, {"label": token, "stage": "begun", "by": "step"})

    app.resume(token, None)
    app.result(run)
    assert app.info(run)["attributes"] == {"label": token, "stage": "ended", "by": "step"}


@pytest.mark.acceptance("addTenWorkflow")
def test_a_workflow_started_twice_with_a_key_has_one_run(app: App, token: str) -> None:
    first = app.begin("basics.add_ten", 1, key=token)

    assert app.begin("basics.add_ten", 1, key=token) == first
    assert app.begin("twins.add_ten", 1, key=token) != first
    assert app.result(first) == 11


@pytest.mark.acceptance("sleepingWorkflow")
def test_a_run_whose_start_is_delayed_does_not_begin_before_its_time(app: App) -> None:
    run = app.begin("basics.add_ten", 1, delay="500 ms")

    assert app.result(run) == 11
    (created,), (started,) = app.events(run, "run_created"), app.events(run, "run_started")
    assert started["time"] - created["time"] >= 0.499


@pytest.mark.acceptance("addTenWorkflow")
def test_a_run_that_goes_on_in_another_has_the_result_of_the_last(app: App) -> None:
    run = app.begin("lasting.countdown", 3, [])

    assert app.result(run) == [3, 2, 1]
    assert app.info(run)["status"] == "continued"
    chain = [run]
    while continued := app.events(chain[-1], "run_continued"):
        chain.append(continued[0]["data"]["run"])
    assert len(chain) == 4
    wait_for(lambda: app.info(chain[-1])["status"] == "completed", lambda: app.story(chain[-1]))
