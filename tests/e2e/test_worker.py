"""A worker in a process of its own: how it stops, with real signals, and what becomes of what it had in hand."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.e2e.workshop import attempts, completed
from workflow_runtime.worlds.base import QueueDepth, World

if TYPE_CHECKING:
    from tests.e2e.workshop import Workshop

LONG = 120.0
"""Seconds of a step that nobody waits for."""


async def depth(world: World) -> QueueDepth:
    """What the queue holds."""
    return await world.queue_depth()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_step_in_work_ends_and_its_run_goes_on_with_another_worker(workshop: Workshop, sent: signal.Signals) -> None:
    first = workshop.worker("--grace", "60")
    runs = workshop.start(("work", "waits", "a", 1.0, 2), ("work", "threaded", "b", 1.0, 2))
    workshop.until_noted("begin a0")
    workshop.until_noted("begin b0")
    first.send_signal(sent)

    assert workshop.end_of(first) == 0
    assert sorted(workshop.noted) == ["begin a0", "begin b0", "end a0", "end b0"]
    assert f"{sent.name}: stopping" in workshop.log
    assert "2 in work have up to 60 s" in workshop.log
    assert workshop.ask(depth) == QueueDepth(due=2, in_hand=0, delayed=0)

    workshop.worker()
    logs = workshop.until_ended(*runs)
    assert all(map(completed, logs))
    assert [attempts(log) for log in logs] == [[1, 1], [1, 1]]


def test_after_the_grace_a_step_is_cancelled_and_its_message_handed_back(workshop: Workshop) -> None:
    first = workshop.worker("--grace", "0.5")
    [run] = workshop.start(("work", "waits", "a", LONG))
    workshop.until_noted("begin a0")
    asked = time.monotonic()
    first.terminate()

    assert workshop.end_of(first) == 0
    assert time.monotonic() - asked >= 0.5
    assert workshop.noted == ["begin a0", "cancelled a0"]
    assert "step//shop.flows//waits (step_000001 of run" in workshop.log
    assert workshop.ask(depth) == QueueDepth(due=1, in_hand=0, delayed=0)
    second = workshop.worker()
    workshop.until(lambda: workshop.noted.count("begin a0") == 2)
    workshop.kill(second)
    assert attempts(workshop.ask(lambda world: world.load(run))) == [1, 2]


def test_a_step_in_a_thread_may_end_when_it_is_asked_to(workshop: Workshop) -> None:
    first = workshop.worker("--grace", "0.2")
    workshop.start(("work", "polite", "a", LONG))
    workshop.until_noted("begin a0")
    first.terminate()

    assert workshop.end_of(first) == 0
    assert workshop.noted == ["begin a0", "asked a0"]
    assert workshop.ask(depth) == QueueDepth(due=1, in_hand=0, delayed=0)


@pytest.mark.parametrize("kind", ["threaded", "blocks", "stubborn"])
def test_what_can_not_be_stopped_ends_with_its_process_and_comes_again(workshop: Workshop, kind: str) -> None:
    first = workshop.worker("--grace", "0.2")
    workshop.start(("work", kind, "a", LONG), ("work", "waits", "b", LONG))
    workshop.until_noted("begin a0")
    if kind != "blocks":
        workshop.until_noted("begin b0")
    first.terminate()

    assert workshop.end_of(first) == 3
    assert "end a0" not in workshop.noted
    assert f"step//shop.flows//{kind} (step_000001 of run" in workshop.log.partition("after the signal")[2]
    assert ("in a thread, which can not be stopped" in workshop.log) == (kind == "threaded")
    if kind != "blocks":
        assert "cancelled b0" in workshop.noted

    second = workshop.worker()
    workshop.until(lambda: workshop.noted.count("begin a0") == 2)
    assert workshop.overlaps() == []
    workshop.kill(second)


@pytest.mark.parametrize("kind", ["waits", "blocks"])
def test_a_second_signal_ends_the_process_at_once(workshop: Workshop, kind: str) -> None:
    worker = workshop.worker("--grace", "600")
    workshop.start(("work", kind, "a", LONG))
    workshop.until_noted("begin a0")
    worker.terminate()
    if kind == "waits":
        workshop.until(lambda: "a second signal ends this process at once" in workshop.log)
    else:
        time.sleep(0.5)  # nothing tells from outside that the first has come; two that come together count as one
    assert worker.poll() is None
    worker.send_signal(signal.SIGINT)

    assert workshop.end_of(worker) == 128 + signal.SIGINT
    assert "end a0" not in workshop.noted


def test_a_step_that_blocks_its_loop_stays_its_own(workshop: Workshop) -> None:
    for _ in range(2):
        workshop.worker("--concurrency", "1")
    runs = workshop.start(("work", "blocks", "a", 3.0), ("work", "blocks", "b", 3.0))
    logs = workshop.until_ended(*runs)

    assert [attempts(log) for log in logs] == [[1], [1]]
    assert workshop.overlaps() == []


def test_it_has_no_more_in_hand_than_it_is_told(workshop: Workshop) -> None:
    workshop.worker(WORKFLOW_CONCURRENCY="1")
    workshop.until_ended(*workshop.start(("work", "waits", "a", 0.2), ("work", "waits", "b", 0.2)))

    assert [line.split()[0] for line in workshop.noted] == ["begin", "end", "begin", "end"]


def test_its_health_tells_that_it_runs_and_then_that_it_stops(workshop: Workshop) -> None:
    worker = workshop.worker("--health", "127.0.0.1:0", "--grace", "60")
    [run] = workshop.start(("work", "waits", "a", 5.0))
    workshop.until_noted("begin a0")
    found = workshop.log.partition("health and metrics: ")[2].partition("/health")[0]

    answer = httpx.get(f"{found}/health")
    assert answer.status_code == 200
    assert answer.json() == httpx.get(f"{found}/.well-known/workflow/v1/health?x=1").json()
    assert answer.json()["worker"] == "running"
    assert answer.json()["queue"] == {"due": 0, "in_hand": 1, "delayed": 0}
    assert httpx.get(f"{found}/live").json() == {"live": True}
    assert httpx.head(f"{found}/live").content == b""
    assert httpx.get(f"{found}/").status_code == 404
    assert httpx.post(f"{found}/live").status_code == 405

    worker.terminate()
    workshop.until(lambda: httpx.get(f"{found}/health").status_code == 503)
    answer = httpx.get(f"{found}/health")
    assert {**answer.json(), "build": ""} == {
        "healthy": False, "build": "", "steps": 5, "worker": "draining", "world": "ok",
        "queue": {"due": 0, "in_hand": 1, "delayed": 0}, "unavailable_steps": [],
    }  # fmt: skip
    assert httpx.get(f"{found}/live").status_code == 200
    assert workshop.end_of(worker) == 0
    assert completed(workshop.until_ended(run)[0])


def test_its_metrics_count_what_it_does(workshop: Workshop) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    workshop.worker("--health", "127.0.0.1:0")
    workshop.until_ended(*workshop.start(("work", "waits", "a", 0.0, 3), ("pausing", "b", 0.3)))
    found = workshop.log.partition("health and metrics: ")[2].partition("/health")[0]
    workshop.until(lambda: "workflow_messages_in_work 0" in httpx.get(f"{found}/metrics").text)
    answer = httpx.get(f"{found}/metrics")

    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples["workflow_steps_executed_total", "step//shop.flows//waits", "completed"] == 5
    assert samples["workflow_runs_ended_total", "workflow//shop.flows//work", "completed"] == 1
    assert samples["workflow_runs_ended_total", "workflow//shop.flows//pausing", "completed"] == 1
    assert samples["workflow_messages_handled_total", "run"] == 3
    assert samples["workflow_message_lateness_seconds_count",] == 3
    assert samples["workflow_step_duration_seconds_bucket", "step//shop.flows//waits", "+Inf"] == 5
    assert samples["workflow_queue_messages", "due"] == 0
    assert {family.type for family in families.values()} == {"counter", "histogram", "gauge"}


def test_runs_are_removed_when_their_time_is_over(workshop: Workshop) -> None:
    workshop.worker("--retention", "300ms")
    kept = workshop.start(("pausing", "b", LONG))
    workshop.start(("work", "waits", "a", 0.0))
    workshop.until_noted("end a0")

    async def listed(world: World) -> list[str]:
        return [run.id for run in await world.list_runs()]

    workshop.until(lambda: workshop.ask(listed) == kept)


@pytest.mark.parametrize(
    ("words", "settings", "code", "said"),
    [
        (["worker"], {}, 2, "name the written package"),
        (["worker", "nosuch._workflow"], {}, 1, "there is no package nosuch._workflow"),
        (["worker", "shop._workflow", "--concurrency", "0"], {}, 2, "give a whole number from 1 on"),
        (["worker", "shop._workflow", "--grace", "soon"], {}, 2, "is no duration"),
        (["worker", "shop._workflow", "--health", "8080"], {}, 2, "give HOST:PORT"),
        (["worker", "shop._workflow", "--health", "192.0.2.1:1"], {}, 1, "nothing can listen on 192.0.2.1:1"),
        (["worker", "shop._workflow"], {"WORKFLOW_GRACE": "soon"}, 1, "WORKFLOW_GRACE is 'soon'"),
        (["worker", "shop._workflow"], {"WORKFLOW_RETENTION": "-1"}, 1, "WORKFLOW_RETENTION is '-1'"),
        (["worker", "shop._workflow"], {"WORKFLOW_WORLD": "nosuch://"}, 1, "no scheme that this version knows"),
        (["worker", "--push", "shop.example.com"], {}, 1, "https://shop.example.com"),
        (["worker", "--push", "https://shop.example.com"], {"WORKFLOW_SECRET": ""}, 1, "WORKFLOW_SECRET is not set"),
        ([], {}, 2, "the following arguments are required: COMMAND"),
    ],
)
def test_what_makes_no_sense_is_said_at_the_start(
    workshop: Workshop, words: list[str], settings: dict[str, str], code: int, said: str
) -> None:
    done = workshop.told(*words, **settings)

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_a_line_for_each_command_and_costs_the_runtime_nothing(workshop: Workshop) -> None:
    from workflow_runtime.__main__ import COMMANDS

    lines = [line.split() for line in workshop.told("--help").stdout.splitlines()]
    assert [line[0] for line in lines if line and line[0] in COMMANDS and len(line) > 1] == [*COMMANDS]

    script = "import json, sys; from workflow_runtime import start, step; print(json.dumps([*sys.modules]))"
    loaded = json.loads(workshop.python("-c", script).stdout)
    assert "workflow_runtime.client" in loaded
    assert not {"argparse", "workflow_runtime.commands", "workflow_runtime.alone"} & set(loaded)
