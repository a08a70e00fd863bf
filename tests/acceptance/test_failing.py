"""Errors: what a run, and whoever waits for it, gets to see of them, and how often a step is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.app import App

TRIED_AGAIN = ["step_started", "step_retrying"]


def place(app: App, file: str, text: str) -> str:
    """``file", line N`` as tracebacks have it, of the only line that holds the text."""
    lines = Path(app.folder / "acceptance" / file).read_text("utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if text in line)
    return f'acceptance/{file}", line {number}'


@pytest.mark.acceptance("errorWorkflowNested", "errorWorkflowCrossFile", "crossFileError")
@pytest.mark.parametrize(
    ("workflow", "error", "file", "text"),
    [
        ("nested", ("ValueError", "deep inside"), "failing.py", 'raise ValueError("deep'),
        ("cross_file", ("LookupError", "refused from afar"), "failing_far.py", 'refused {what}")'),
    ],
)
def test_a_failed_run_has_the_users_exception_with_file_and_line(
    app: App, workflow: str, error: tuple[str, str], file: str, text: str
) -> None:
    run = app.begin(f"failing.{workflow}")

    told = app.error(run)

    assert (told["class"], told["message"]) == error
    (failed,) = app.events(run, "run_failed")
    recorded = json.dumps(failed["data"]["error"]).replace('\\"', '"')
    assert place(app, file, text) in recorded
    assert 'acceptance/failing.py", line' in recorded, "and the line of the workflow"


@pytest.mark.acceptance("errorStepBasic", "errorStepCrossFile")
def test_a_steps_error_that_is_caught_has_its_class_data_cause_and_stack(app: App) -> None:
    caught = app.run("failing.caught_step")
    assert caught | {"class": "Declined", "reason": "no money", "cents": 350, "cause": "KeyError('account')"} == caught
    assert place(app, "failing.py", 'raise Declined("no money"') in caught["trace"]

    far = app.run("failing.caught_step_cross_file")
    assert far | {"class": "LookupError", "message": "refused in a step, deeper"} == far
    assert place(app, "failing_far.py", ', deeper")') in far["trace"]


@pytest.mark.acceptance("errorStepBasic")
def test_a_steps_error_that_nobody_catches_is_the_runs_with_its_cause(app: App) -> None:
    told = app.error(app.begin("failing.uncaught_step"))

    assert told["class"] == "Declined"
    assert told["cause"]["class"] == "KeyError"


@pytest.mark.acceptance("errorRetrySuccess", "retryAttemptCounter")
def test_a_step_that_succeeds_at_the_third_attempt_was_tried_three_times(app: App) -> None:
    run = app.begin("failing.retry_success")

    assert app.result(run) == 3
    assert app.steps(run, "third_time_lucky") == [*TRIED_AGAIN * 2, "step_started", "step_completed"]
    assert [event["data"]["attempt"] for event in app.events(run, "step_started")] == [1, 2, 3]


@pytest.mark.acceptance("errorRetryFatal")
def test_a_fatal_error_is_not_retried(app: App) -> None:
    run = app.begin("failing.fatal_uncaught")

    told = app.error(run)

    assert (told["class"], told["message"]) == ("Broke", "attempt 1")
    assert app.steps(run, "fatal") == ["step_started", "step_failed"]


@pytest.mark.acceptance("errorRetryCustomDelay", "errors")
def test_a_step_that_names_its_time_is_not_tried_before_it(app: App) -> None:
    run = app.begin("failing.retry_custom_delay")

    assert app.result(run) == [2]
    (retrying,), (_, second) = app.events(run, "step_retrying"), app.events(run, "step_started")
    assert retrying["data"]["retry_at"] >= retrying["time"] + 0.99
    assert second["time"] >= retrying["data"]["retry_at"]


@pytest.mark.acceptance("errorRetryDisabled", "maxRetriesZero")
def test_a_step_without_retries_is_tried_once(app: App) -> None:
    run = app.begin("failing.retry_disabled")

    assert app.result(run) == "attempt 1"
    assert app.steps(run, "once") == ["step_started", "step_failed"]


@pytest.mark.acceptance("errorFatalCatchable", "errors")
def test_a_fatal_error_is_recognized_in_the_workflow(app: App) -> None:
    assert app.run("failing.fatal_catchable") == {"class": "Broke", "message": "attempt 1", "fatal": True}


@pytest.mark.acceptance("retryableAndFatalError", "errors")
def test_a_retried_step_and_a_fatal_one_follow_each_other(app: App) -> None:
    assert app.run("failing.retriable_and_fatal") == [2, "attempt 1"]


@pytest.mark.acceptance("errorRetryFatal")
def test_used_up_retries_leave_the_last_real_error_and_say_how_often_it_ran(app: App) -> None:
    told: Any = app.error(app.begin("failing.exhausted"))

    assert (told["class"], told["message"]) == ("ConnectionError", "attempt 2")
    assert any("2" in note for note in told["notes"]), told
