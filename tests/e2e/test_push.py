"""Pushing messages to functions, with a real pusher and real servers of functions, both of which may be killed at any moment."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests import serving
from tests.e2e.workshop import attempts, completed

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.e2e.workshop import Workshop
    from workflow_runtime.worlds.base import Log


@pytest.fixture
def functions(workshop: Workshop) -> Iterator[Functions]:
    """Where functions are to answer; none does yet."""
    with serving.listening() as listener:
        yield Functions(workshop, listener)


class Functions:
    """Servers of functions at one address."""

    def __init__(self, workshop: Workshop, listener: socket.socket) -> None:
        self._workshop = workshop
        self._listener = listener
        self.url = serving.address(listener)

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        """One more."""
        return self._workshop.function(self._listener, **settings)


def test_functions_that_are_only_called_bring_runs_to_their_ends(workshop: Workshop, functions: Functions) -> None:
    functions.start()
    workshop.pusher(functions.url)
    logs = workshop.until_ended(*workshop.start(("work", "waits", "a", 0.0, 5), ("pausing", "b", 0.5)))

    assert all(map(completed, logs))
    assert [attempts(log) for log in logs] == [[1] * 5, [1, 1]]
    assert "WARNING" not in workshop.log


def test_pushing_begins_once_there_is_somebody_to_push_to(workshop: Workshop) -> None:
    with serving.listening() as listener:
        url = serving.address(listener)
    workshop.pusher(url)
    [run] = workshop.start(("work", "waits", "a", 0.0))
    workshop.until(lambda: workshop.log.count("no connection") > 1)
    assert workshop.noted == []

    with serving.listening() as other:
        workshop.function(other)
        workshop.pusher(serving.address(other))
        assert completed(workshop.until_ended(run)[0])


def test_a_step_goes_on_when_its_pusher_is_killed_and_no_other_begins_it(
    workshop: Workshop, functions: Functions
) -> None:
    functions.start()
    first = workshop.pusher(functions.url)
    [run] = workshop.start(("work", "waits", "a", 2.0))
    workshop.until_noted("begin a0")
    workshop.kill(first)
    workshop.pusher(functions.url)

    [log] = workshop.until_ended(run)
    assert completed(log)
    assert attempts(log) == [1]
    assert workshop.noted == ["begin a0", "end a0"]


def test_a_step_is_begun_again_when_its_function_is_killed(workshop: Workshop, functions: Functions) -> None:
    first = functions.start()
    workshop.pusher(functions.url)
    [run] = workshop.start(("work", "waits", "a", 1.0))
    workshop.until_noted("begin a0")
    workshop.kill(first)
    functions.start()

    [log] = workshop.until_ended(run)
    assert completed(log)
    assert attempts(log) == [1, 2]
    assert workshop.overlaps() == []


def test_a_pusher_that_is_told_to_stop_waits_for_its_calls(workshop: Workshop, functions: Functions) -> None:
    functions.start()
    pusher = workshop.pusher(functions.url, "--grace", "60")
    [run] = workshop.start(("work", "waits", "a", 2.5))
    workshop.until_noted("begin a0")
    time.sleep(1.2)  # by now the pusher has looked, and knows that the message was taken over
    pusher.send_signal(signal.SIGTERM)

    assert workshop.end_of(pusher) == 0
    assert workshop.noted == ["begin a0", "end a0"]
    assert completed(workshop.until_ended(run)[0])


def test_a_pusher_that_stops_before_an_answer_leaves_the_message_to_who_has_taken_it(
    workshop: Workshop, functions: Functions
) -> None:
    functions.start()
    pusher = workshop.pusher(functions.url, "--grace", "0.1")
    [run] = workshop.start(("work", "waits", "a", 2.0))
    workshop.until_noted("begin a0")
    pusher.terminate()

    assert workshop.end_of(pusher) == 0
    [log] = workshop.until_ended(run)
    assert attempts(log) == [1]
    assert workshop.noted == ["begin a0", "end a0"]


def test_functions_with_another_secret_execute_nothing(workshop: Workshop, functions: Functions) -> None:
    functions.start(WORKFLOW_SECRET="another")
    workshop.pusher(functions.url)
    workshop.start(("work", "waits", "a", 0.0))
    workshop.until(lambda: "answered 403; is WORKFLOW_SECRET the same on both sides" in workshop.log)

    assert workshop.noted == []


@pytest.mark.parametrize("seed", [7, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(100, 110))])
def test_whatever_is_killed_every_run_ends_and_no_step_runs_twice_at_once(
    workshop: Workshop, functions: Functions, check_log: Callable[[Log], None], seed: int
) -> None:
    chance = random.Random(seed)
    makers: list[Callable[[], subprocess.Popen[bytes]]] = [
        lambda: functions.start(),
        lambda: functions.start(),
        lambda: workshop.pusher(functions.url),
        lambda: workshop.pusher(functions.url),
    ]
    living = [make() for make in makers]
    calls: list[tuple[object, ...]] = [
        ("work", chance.choice(("waits", "threaded")), f"r{n}_", 0.1, 4) for n in range(12)
    ]
    runs = workshop.start(*calls, *(("pausing", f"p{n}_", 0.5) for n in range(4)))
    for _ in range(6):
        time.sleep(chance.uniform(0.2, 0.8))
        victim = chance.randrange(len(living))
        workshop.kill(living[victim])
        living[victim] = makers[victim]()

    for log in workshop.until_ended(*runs):
        assert completed(log)
        check_log(log)
    assert workshop.overlaps() == []
    ends = Counter(entry.name for entry in workshop.ledger if entry.what == "end")
    assert len(ends) == 12 * 4 + 4 * 2
