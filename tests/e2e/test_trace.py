"""One trace over a run that two processes work on, with the real OpenTelemetry SDK in both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

FLOWS = """
    import logging
    from workflow_runtime import step, workflow

    logger = logging.getLogger(__name__)

    @step
    async def charge(order: str) -> str:
        logger.info("charging")
        return order

    @step
    def ship(order: str) -> str:
        logger.info("shipping")
        return f"{order} shipped"

    @workflow
    async def checkout(order: str) -> str:
        logger.info("checking out")
        return await ship(await charge(order))
"""
PROCESS = """
import asyncio, json, sys
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import shop._workflow
from shop._workflow.step_registrations import STEPS
from shop.flows import checkout
from workflow_runtime import start
from workflow_runtime.handler.handler import Handler
from workflow_runtime.logs import configure_logging
from workflow_runtime.process import held_world
from workflow_runtime.project import Registrations
from workflow_runtime.worker import Worker

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
configure_logging("json")


async def main(offered, run_id):
    steps = Registrations()
    for name, function in STEPS.items():
        if name.rpartition("//")[2] in offered:
            steps.add(name, function)
    async with held_world() as world:
        run_id = run_id or (await start(checkout, "tea")).id
        async with Worker(world, Handler(world, steps, ThreadPoolExecutor(2))).running():
            while True:
                log = await world.load(run_id)
                kinds = [event.kind for event in log.events]
                if log.run.status.ended or "ship" not in offered and kinds.count("step_created") == 2:
                    break
                await asyncio.sleep(0.02)
    spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
    print(json.dumps({"run": run_id, "end": kinds[-1], "trace": log.events[0].data.get("trace"), "spans": spans}))


asyncio.run(main(sys.argv[1].split(","), sys.argv[2]))
"""


class Project:
    """A compiled project, and processes that work on its runs."""

    def __init__(self, folder: Path) -> None:
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").write_text("", "utf-8")
        (folder / "shop" / "flows.py").write_text(dedent(FLOWS), "utf-8")
        self.folder = folder
        self._run("-m", "workflow_build")

    def process(self, *offered: str, run: str = "") -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What a process that offers these steps said at its end, and its log lines; without ``run`` it starts one."""
        done = self._run("-c", PROCESS, ",".join(offered), run)
        said: dict[str, Any] = json.loads(done.stdout)
        return said, [json.loads(line) for line in done.stderr.splitlines()]

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COVERAGE", "OTEL"))
        }
        environment = own | {"WORKFLOW_WORLD": f"sqlite:///{self.folder / 'runs.db'}", "CI": "1"}
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of this test's own."""
    return Project(tmp_path)


def test_start_invocations_and_steps_of_two_processes_are_one_trace_and_their_lines_name_the_run(
    project: Project,
) -> None:
    first, first_lines = project.process("charge")
    second, second_lines = project.process("charge", "ship", run=first["run"])

    assert second["end"] == "run_completed"
    spans = [*first["spans"], *second["spans"]]
    (trace_id,) = {span["context"]["trace_id"] for span in spans}
    assert first["trace"].split("-")[1] == trace_id.removeprefix("0x")
    ids = {span["context"]["span_id"]: span["name"] for span in spans}
    parents = {(span["name"], ids.get(span["parent_id"])) for span in spans}
    assert {
        ("start checkout", None),
        ("invocation checkout", "start checkout"),
        ("step charge", "invocation checkout"),
        ("invocation ship", "invocation checkout"),
        ("step ship", "invocation ship"),
        ("invocation checkout", "invocation ship"),
    } <= parents
    assert "step ship" in {span["name"] for span in second["spans"]} - {span["name"] for span in first["spans"]}

    said = {line["message"]: line for line in [*first_lines, *second_lines] if line["logger"] == "shop.flows"}
    for message, step in (("checking out", None), ("charging", "charge"), ("shipping", "ship")):
        line = said[message]
        assert line["run_id"] == first["run"]
        assert line.get("step", "").rpartition("//")[2] == (step or "")
        assert line.get("attempt") == (1 if step else None)
    assert said["charging"]["workflow"] == "workflow//shop.flows//checkout"
    spoken = [line["message"] for line in [*first_lines, *second_lines] if line["logger"] == "shop.flows"]
    assert sorted(spoken) == ["charging", "checking out", "shipping"], (
        "a line of workflow code was said again on replay"
    )
