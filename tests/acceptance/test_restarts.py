"""Servers that are killed while runs go on, and fresh ones that have done nothing yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.app import V1, App, wait_for
from tests.serving import HEALTH


@pytest.mark.acceptance("restart: sleeping run")
def test_runs_that_slept_while_their_server_was_killed_wake_up_when_they_should(mortal: App) -> None:
    """The time of one comes while nobody works, that of the other after."""
    runs = [mortal.begin("waiting.wake_and_finish", seconds) for seconds in (0.3, 2.5)]
    soon, late = (mortal.event(run, "wait_created")["data"]["until"] for run in runs)
    mortal.kill()
    wait_for(lambda: time.time() > soon, lambda: "the clock stands still")
    mortal.start()

    for run, until in zip(runs, (soon, late), strict=True):
        assert mortal.result(run) == ["before", "None", "after"]
        (created,), (completed,) = mortal.events(run, "wait_created"), mortal.events(run, "wait_completed")
        assert created["data"]["until"] == until, "the time that was left is what counts"
        assert completed["time"] >= until
        assert [mark["label"] for mark in mortal.marks(run)] == ["before", "after"]


@pytest.mark.acceptance("restart: mid-step")
def test_a_step_whose_server_was_killed_runs_again(mortal: App) -> None:
    run = mortal.begin("waiting.hanging")
    first = mortal.mark(run, "hangs")
    mortal.kill()
    mortal.start()

    assert mortal.result(run) == 2
    assert mortal.mark(run, "runs")["pid"] != first["pid"]
    assert mortal.steps(run, "hang_at_first") == ["step_started", "step_started", "step_completed"]


@pytest.mark.acceptance("restart: cancelled")
def test_a_run_that_was_cancelled_as_its_server_was_killed_stays_cancelled(mortal: App) -> None:
    run = mortal.begin("waiting.hanging")
    mortal.mark(run, "hangs")
    mortal.ask("POST", f"/runs/{run}/cancel", json={"reason": "enough"})
    mortal.kill()
    mortal.start()

    assert mortal.end(run) == {"status": "cancelled", "reason": "enough"}
    assert mortal.run("basics.add_ten", 1) == 11, "the new server works"
    assert [mark["label"] for mark in mortal.marks(run)] == ["hangs"]


@pytest.mark.acceptance("restart: several workers")
def test_what_one_server_leaves_behind_another_on_the_same_database_takes_over(
    mortal: App, built: Path, make_app: Callable[[Path, str], App]
) -> None:
    run = mortal.begin("waiting.hanging")
    first = mortal.mark(run, "hangs")
    second = make_app(built, mortal.world.partition(":")[0])
    second.start()
    mortal.kill()

    assert second.result(run) == 2
    assert second.process
    assert second.mark(run, "runs")["pid"] == second.process.pid != first["pid"]


@pytest.mark.acceptance("route-bundle-isolation")
def test_the_webhook_route_of_a_server_that_has_done_nothing_yet_says_not_found(spare: App, token: str) -> None:
    spare.launch()

    answer = spare.client.post(f"{V1}/webhook/{token}")

    assert (answer.status_code, answer.content) == (404, b""), spare.log()


@pytest.mark.acceptance("fibonacciWorkflow")
def test_recursive_children_end_with_a_worker_that_takes_one_message_at_a_time(spare: App) -> None:
    spare.settings["ACCEPTANCE_CONCURRENCY"] = "1"
    spare.start()

    assert spare.run("children.fibonacci", 6) == 8


@pytest.mark.acceptance("health: HTTP")
def test_health_tells_of_worker_world_and_steps(app: App) -> None:
    health = app.ask("GET", HEALTH)

    assert health | {"healthy": True, "worker": "running", "world": "ok", "unavailable_steps": []} == health
    assert set(health["queue"]) == {"due", "in_hand", "delayed"}


@pytest.mark.acceptance("manifest: shape")
def test_the_manifest_is_served_when_that_is_asked_for(spare: App) -> None:
    spare.settings["WORKFLOW_PUBLIC_MANIFEST"] = "1"
    spare.start()
    manifest = spare.ask("GET", f"{V1}/manifest.json")

    assert "workflow//acceptance.basics//add_ten" in {workflow["id"] for workflow in manifest["workflows"]}


@pytest.mark.acceptance("manifest: shape")
def test_the_manifest_is_served_to_nobody_unless_that_is_asked_for(app: App) -> None:
    assert app.client.get(f"{V1}/manifest.json").status_code == 404
