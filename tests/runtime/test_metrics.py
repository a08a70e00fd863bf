"""Numbers of what a process does: the same for Prometheus and OpenTelemetry, and none where nobody asks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client.parser import text_string_to_metric_families

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.ends import cancel
from workflow_runtime.ids import made_at, new_message_id
from workflow_runtime.metrics import counting, measures, prometheus, prometheus_text
from workflow_runtime.metrics.prometheus import Counts
from workflow_runtime.worlds.base import Delivery, Message, QueueDepth, World
from workflow_runtime.worlds.delivery import Claim, HeldMessage
from workflow_runtime.worlds.memory import MemoryWorld

STEP, WORKFLOW = "step//shop.payments//charge", "workflow//shop.orders//checkout"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked for numbers yet."""
    monkeypatch.setattr(counting, "_sinks", ())
    monkeypatch.setattr(counting, "_has_otel", True)
    monkeypatch.setattr(counting, "_queues", [])
    monkeypatch.setattr(prometheus, "_counts", None)


@pytest.fixture(scope="module")
def otel() -> InMemoryMetricReader:
    """Where all OpenTelemetry metrics of this process go."""
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


def a_delivery(message: Message, count: int = 1) -> Delivery:
    return HeldMessage(message, count, Claim(message.id, "me", 1), MemoryWorld())


def told(text: str) -> dict[tuple[str, ...], float]:
    """All samples of a text in Prometheus' format, as its own library reads it."""
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def seen(reader: InMemoryMetricReader) -> dict[tuple[Any, ...], Any]:
    """All points that OpenTelemetry has, by name and attributes."""
    data = reader.get_metrics_data()
    points: dict[tuple[Any, ...], Any] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    points[metric.name, *(point.attributes or {}).values()] = point
    return points


async def test_what_happens_is_told_to_prometheus() -> None:
    prometheus.collect()
    prometheus.collect()
    counting.step_ended(STEP, "completed", 0.004)
    counting.step_ended(STEP, "retrying", 7.0)
    counting.step_ended(STEP, "completed", 1e6)
    counting.run_ended(WORKFLOW, "failed")
    counting.pushed("503")
    with counting.message_in_work(a_delivery(Message("wmsg_1", "wrun_1", "step_000001", STEP))):
        during = told(await prometheus_text())
    samples = told(await prometheus_text())

    assert (during["workflow_messages_in_work",], samples["workflow_messages_in_work",]) == (1, 0)
    assert samples["workflow_steps_executed_total", STEP, "completed"] == 2
    assert samples["workflow_steps_executed_total", STEP, "retrying"] == 1
    assert samples["workflow_runs_ended_total", WORKFLOW, "failed"] == 1
    assert samples["workflow_messages_pushed_total", "503"] == 1
    assert samples["workflow_messages_handled_total", "step"] == 1
    buckets = {key[2]: value for key, value in samples.items() if key[0] == "workflow_step_duration_seconds_bucket"}
    assert (buckets["0.005"], buckets["5"], buckets["10"], buckets["7200"], buckets["+Inf"]) == (1, 1, 2, 2, 3)
    assert samples["workflow_step_duration_seconds_count", STEP] == 3
    assert samples["workflow_step_duration_seconds_sum", STEP] == pytest.approx(1e6 + 7.004)


@pytest.mark.parametrize("name", ['step//a//"quoted"', "step//a//back\\slash", "step//a//two\nlines", "step//a//é{}"])
def test_any_name_can_be_told(name: str) -> None:
    counts = Counts()
    counts.add(measures.STEPS, (name, "completed"))

    assert told("".join(f"{line}\n" for line in counts.lines())) == {
        ("workflow_steps_executed_total", name, "completed"): 1.0
    }


async def test_the_depth_is_that_of_the_queue_that_is_worked_on() -> None:
    class Full(MemoryWorld):
        answer: QueueDepth | None = QueueDepth(1, 2, 3)

        async def queue_depth(self) -> QueueDepth:
            if self.answer is None:
                raise WorldError("gone")
            return self.answer

    world = Full()
    assert "workflow_queue_messages" not in await prometheus_text()
    with counting.working_on(world):
        samples = told(await prometheus_text())
        assert [samples["workflow_queue_messages", state] for state in ("due", "in_hand", "delayed")] == [1, 2, 3]
        assert await asyncio.to_thread(counting.queue_depth_for_threads, 5.0) == {"due": 1, "in_hand": 2, "delayed": 3}
        assert counting.queue_depth_for_threads(5.0) == {}, "it would wait for itself"
        world.answer = None
        assert "workflow_queue_messages" not in await prometheus_text()


async def test_lateness_is_counted_from_when_a_message_was_sent_or_due_and_at_its_first_delivery() -> None:
    prometheus.collect()
    message = new_message_id()
    made = made_at(message)
    assert made is not None
    for delivery in (
        a_delivery(Message(message, "wrun_1")),
        a_delivery(Message("wmsg_1", "wrun_1", due=made - 500.0)),
        a_delivery(Message("wmsg_1", "wrun_1", due=made + 500.0)),
        a_delivery(Message("wmsg_1", "wrun_1", due=made - 500.0), count=2),
    ):
        with counting.message_in_work(delivery):
            pass
    samples = told(await prometheus_text())

    assert samples["workflow_message_lateness_seconds_count",] == 3
    assert samples["workflow_message_lateness_seconds_bucket", "60"] == 2
    assert 500 <= samples["workflow_message_lateness_seconds_sum",] < 560


@pytest.mark.parametrize("name", ["wmsg_1", "wrun_", "nothing", "wmsg_uuuuuuuuuuuuuuuuuuuuuuuuuu"])
def test_ids_of_others_tell_no_time(name: str) -> None:
    assert made_at(name) is None


async def test_a_cancelled_run_is_counted_by_who_cancelled_it() -> None:
    prometheus.collect()
    world: World = MemoryWorld()
    await world.open()
    data = {"workflow": WORKFLOW, "bundle": "b", "seed": "s", "input": None}
    await world.create_run("wrun_1", Event(EventKind.RUN_CREATED, 1.0, "", data), Message("wmsg_1", "wrun_1"))
    assert await cancel(world, "wrun_1", None)
    assert not await cancel(world, "wrun_1", None)

    assert told(await prometheus_text())["workflow_runs_ended_total", WORKFLOW, "cancelled"] == 1
    await world.close()


async def test_the_same_is_told_to_opentelemetry(otel: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_has_otel", False)
    world = MemoryWorld()
    await world.open()
    await world.send(Message("wmsg_1", "wrun_1"))
    with counting.working_on(world):
        counting.step_ended(STEP, "completed", 0.3)
        counting.step_ended(STEP, "failed", 0.3)
        counting.run_ended(WORKFLOW, "completed")
        with counting.message_in_work(a_delivery(Message("wmsg_1", "wrun_1", due=1.0))):
            points = await asyncio.to_thread(seen, otel)
    await world.close()

    assert points["workflow.steps.executed", STEP, "completed"].value == 1
    assert points["workflow.steps.executed", STEP, "failed"].value == 1
    assert points["workflow.runs.ended", WORKFLOW, "completed"].value == 1
    assert points["workflow.step.duration", STEP].count == 2
    assert points["workflow.step.duration", STEP].explicit_bounds == measures.DURATION.bounds
    assert points["workflow.message.lateness",].count == 1
    assert points["workflow.messages.in_work",].value == 1
    assert points["workflow.queue.messages", "due"].value == 1


def test_a_process_without_opentelemetry_metrics_imports_none_and_keeps_no_numbers(tmp_path: Path) -> None:
    script = """
import sys
import workflow_runtime.service
from workflow_runtime.metrics import counting

counting.step_ended("step//a//b", "completed", 1.0)
counting.run_ended("workflow//a//b", "completed")
assert counting.sinks() == ()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
