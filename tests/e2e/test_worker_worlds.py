"""Workers and pushers on Postgres and NATS: the same promises as on SQLite, where other means have to keep them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests import nats_servers, postgres_servers
from tests.e2e import test_push as pushing
from tests.e2e import test_worker as working
from tests.e2e.workshop import attempts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.test_push import Functions
    from tests.e2e.workshop import Workshop
    from workflow_runtime.worlds.base import Log

functions = pushing.functions


@pytest.fixture(params=["postgres", pytest.param("nats", marks=pytest.mark.soak)])
def workshop(workshop: Workshop, request: pytest.FixtureRequest) -> Workshop:
    """A workshop on another world. The dead are noticed a few seconds after their last sign of life."""
    name = str(workshop.data)
    workshop.database = (
        nats_servers.fresh_url(name) if request.param == "nats" else postgres_servers.shared_url(workshop.data)
    )
    return workshop


def test_a_step_in_work_ends_and_its_run_goes_on_with_another_worker(workshop: Workshop) -> None:
    working.test_a_step_in_work_ends_and_its_run_goes_on_with_another_worker(workshop, signal.SIGTERM)


def test_after_the_grace_a_step_is_cancelled_and_its_message_handed_back(workshop: Workshop) -> None:
    working.test_after_the_grace_a_step_is_cancelled_and_its_message_handed_back(workshop)


@pytest.mark.parametrize("kind", ["threaded", "blocks"])
def test_what_can_not_be_stopped_ends_with_its_process_and_comes_again(workshop: Workshop, kind: str) -> None:
    working.test_what_can_not_be_stopped_ends_with_its_process_and_comes_again(workshop, kind)


def test_a_step_that_blocks_its_loop_for_longer_than_a_lease_stays_its_own(workshop: Workshop) -> None:
    for _ in range(2):
        workshop.worker("--concurrency", "1")
    runs = workshop.start(("work", "blocks", "a", 5.0), ("work", "threaded", "b", 5.0))
    logs = workshop.until_ended(*runs)

    assert [attempts(log) for log in logs] == [[1], [1]]
    assert workshop.overlaps() == []


def test_a_step_goes_on_when_its_pusher_is_killed(workshop: Workshop, functions: Functions) -> None:
    pushing.test_a_step_goes_on_when_its_pusher_is_killed_and_no_other_begins_it(workshop, functions)


def test_a_step_is_begun_again_when_its_function_is_killed(workshop: Workshop, functions: Functions) -> None:
    pushing.test_a_step_is_begun_again_when_its_function_is_killed(workshop, functions)


def test_whatever_is_killed_every_run_ends_and_no_step_runs_twice_at_once(
    workshop: Workshop, functions: Functions, check_log: Callable[[Log], None]
) -> None:
    pushing.test_whatever_is_killed_every_run_ends_and_no_step_runs_twice_at_once(workshop, functions, check_log, 7)
