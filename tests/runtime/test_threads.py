"""Threads for plain functions as steps: bounded, but never the reason why runs wait for each other for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from typing import Any

import pytest

from workflow_runtime.handler.threads import StepThreads
from workflow_runtime.slots import waiting_for_a_run

PATIENCE = 20


@pytest.fixture
def threads() -> Iterator[StepThreads]:
    """One at a time."""
    made = StepThreads(1)
    yield made
    made.shutdown(cancel_futures=True)


def busy(threads: StepThreads) -> tuple[Future[bool], Callable[[], None]]:
    """A call that has begun, and what ends it."""
    begun, go = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return go.wait(PATIENCE)

    job = threads.submit(work)
    assert begun.wait(PATIENCE)
    return job, go.set


def test_no_more_run_at_once_than_are_to_and_the_others_follow_in_order(threads: StepThreads) -> None:
    order: list[int] = []
    first, end = busy(threads)
    later = [threads.submit(order.append, number) for number in range(5)]
    assert not any(job.running() or job.done() for job in later)
    end()
    assert first.result(PATIENCE)
    wait(later, PATIENCE)
    assert order == [0, 1, 2, 3, 4]


def test_what_a_call_raises_is_told_to_who_waits_and_the_next_one_runs(threads: StepThreads) -> None:
    def fails() -> None:
        raise SystemExit(3)

    failed, next_one = threads.submit(fails), threads.submit(int, "7")
    assert isinstance(failed.exception(PATIENCE), SystemExit)
    assert next_one.result(PATIENCE) == 7


def test_one_that_waits_for_its_turn_can_be_cancelled_and_one_that_runs_can_not(threads: StepThreads) -> None:
    ran: list[int] = []
    first, end = busy(threads)
    second, third = threads.submit(ran.append, 2), threads.submit(ran.append, 3)
    assert second.cancel()
    assert not first.cancel()
    end()
    third.result(PATIENCE)
    assert ran == [3]


def test_one_that_is_lent_makes_room_for_another_until_it_is_taken_back(threads: StepThreads) -> None:
    _first, end = busy(threads)
    threads.lend(1)
    second, end_second = busy(threads)
    third = threads.submit(int)
    threads.lend(-1)
    end_second()
    assert second.result(PATIENCE)
    assert not third.running()
    end()
    assert third.result(PATIENCE) == 0


def test_shutting_down_begins_nothing_that_waits(threads: StepThreads) -> None:
    first, end = busy(threads)
    second = threads.submit(int)
    threads.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        second.result(PATIENCE)
    end()
    assert first.result(PATIENCE)


async def test_plain_steps_that_wait_for_runs_leave_threads_to_the_steps_of_those(host: Any) -> None:
    """All four threads of this process wait for runs whose steps need one."""
    others = threading.Barrier(4)
    all_wait = threading.Event()

    def step(name: str) -> str:
        if name == "child":
            all_wait.set()
            return name
        others.wait(PATIENCE)
        with waiting_for_a_run():
            assert all_wait.wait(PATIENCE)
        return name

    app = host("async def main(name):\n    return await a(name)\n", a=step)
    parents = [await app.start("parent") for _ in range(4)]
    async with app.working():
        others_began = [await app.start("child")]
        for run in (*parents, *others_began):
            assert (await app.world.wait_for_end(run, PATIENCE)).status == "completed"
