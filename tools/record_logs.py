"""Record this release: run the workflows of ``fixtures/recorded`` and keep their logs and bundles under ``tests/runtime/recorded``.

Every later build must replay what is there, so a recording that was released is never made again: the tool refuses to, unless it is told to ``--replace``
the one of a release that is not out yet.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from workflow_build.build import build
from workflow_build.config import load
from workflow_runtime import Run, resume_hook, start
from workflow_runtime.events import EventKind
from workflow_runtime.process import held_world
from workflow_runtime.project import load_bundle
from workflow_runtime.service import Service
from workflow_runtime.worlds.base import Log, RunInfo, World

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0

Scenario = Callable[[ModuleType, World], Awaitable[object]]


async def approved(flows: ModuleType, world: World) -> None:
    """Two payloads, one of them sent twice, and a second run that wants the same token."""
    run = await start(flows.approval, "approve:1")
    await until(world, run, EventKind.HOOK_CREATED)
    await (await start(flows.taken, "approve:1")).result(PATIENCE)
    for payload, key in (({"nr": 1}, "one"), ({"nr": 1}, "one"), ({"last": True}, None)):
        await resume_hook("approve:1", payload, key=key)
    await run.result(PATIENCE)


async def left_asleep(flows: ModuleType, world: World) -> None:
    """A run that is not over."""
    await until(world, await start(flows.long_sleep), EventKind.HOOK_CREATED)


async def cancelled(flows: ModuleType, world: World) -> None:
    """A run that somebody cancels."""
    run = await start(flows.cancelled)
    await until(world, run, EventKind.WAIT_CREATED)
    await run.cancel("changed my mind")


def to_its_end(name: str, *arguments: object) -> Scenario:
    """Start a workflow, and wait for its end, good or bad."""

    async def scenario(flows: ModuleType, world: World) -> None:
        run = await start(getattr(flows, name), *arguments)
        await world.wait_for_end(run.id, PATIENCE)

    return scenario


def scenarios(models: ModuleType) -> Mapping[str, Scenario]:
    """All that is recorded, by the name of the file."""
    lines = [models.Line("tea", models.Decimal("4.50"), [models.Size.SMALL]), models.Line("cup", models.Decimal(12))]
    order = models.Order(id="o1", lines=lines, placed_at=models.datetime(2026, 1, 2))
    return {
        "in_a_row": to_its_end("in_a_row", 5),
        "side_by_side": to_its_end("side_by_side", order),
        "asleep": to_its_end("asleep", 0.05),
        "again_and_again": to_its_end("again_and_again"),
        "caught": to_its_end("caught", 5),
        "uncaught": to_its_end("uncaught", 5),
        "race": to_its_end("race"),
        "by_chance": to_its_end("by_chance"),
        "closures": to_its_end("closures", 3),
        "hooks": approved,
        "children": to_its_end("parent"),
        "attributes": to_its_end("named", "ada"),
        "rounds": to_its_end("rounds", 2),
        "streams": to_its_end("streaming", ["a", "b"]),
        "left_asleep": left_asleep,
        "cancelled": cancelled,
    }


async def until(world: World, run: Run[Any], kind: EventKind) -> None:
    """Return once the run's log has an event of that kind."""
    deadline = time.monotonic() + PATIENCE
    while all(event.kind is not kind for event in (await world.load(run.id)).events):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{run.id} never got to {kind}")
        await asyncio.sleep(0.01)


async def record(package: str) -> dict[str, object]:
    """Play each scenario; gives what its file holds, by name."""
    flows, models = (importlib.import_module(f"{package}.{name}") for name in ("flows", "models"))
    recorded: dict[str, object] = {}
    known: set[str] = set()
    async with working(package) as world:
        for name, scenario in scenarios(models).items():
            await scenario(flows, world)
            new = [run for run in await settled(world) if run.id not in known]
            known |= {run.id for run in new}
            recorded[name] = content([await world.load(run.id) for run in reversed(new)])
            print(f"{name}: {len(new)} run{'s' * (len(new) != 1)}")
    return recorded


@asynccontextmanager
async def working(package: str) -> AsyncIterator[World]:
    """A worker on a world in memory."""
    written = importlib.import_module(f"{package}._workflow")
    registrations = importlib.import_module(f"{package}._workflow.step_registrations")
    async with held_world() as world, Service(written.PROJECT, registrations.STEPS).lifespan():
        yield world


async def settled(world: World) -> list[RunInfo]:
    """All runs, once no message is at work any more."""
    for _ in range(200):
        depth = await world.queue_depth()
        if not (depth.due or depth.in_hand):
            break
        await asyncio.sleep(0.02)
    return await world.list_runs(limit=1000)


def content(logs: list[Log]) -> dict[str, object]:
    """What a file holds: the runs in the order of their making, and the bundles that they ran on."""
    bundles = {log.run.bundle: load_bundle(log.run.workflow, log.run.bundle)[0] for log in logs}
    return {
        "release": version("workflow-build"),
        "bundles": {hash_: asdict(bundle) for hash_, bundle in sorted(bundles.items())},
        "runs": [
            {
                "id": log.run.id,
                "bundle": log.run.bundle,
                "status": log.run.status.value,
                "events": [asdict(event) for event in log.events],
            }
            for log in logs
        ],
    }


def main() -> int:
    """Compile, play, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replace", action="store_true", help="make the recording of this release again")
    options = parser.parse_args()
    folder = ROOT / "tests" / "runtime" / "recorded" / version("workflow-build")
    if folder.exists() and not options.replace:
        print(
            f"{folder.relative_to(ROOT)} is there; a recording of what was released must stay as it is", file=sys.stderr
        )
        return 1
    os.environ["WORKFLOW_WORLD"] = "memory://"
    logging.getLogger("workflow_runtime").setLevel(logging.CRITICAL)  # what fails here is meant to
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "recorded"
        shutil.copytree(
            ROOT / "fixtures" / "recorded", project, ignore=shutil.ignore_patterns("_workflow", "__pycache__")
        )
        result = build(load(project), with_routes=False)
        if result.failed:
            print(*result.diagnostics, sep="\n", file=sys.stderr)
            return 1
        sys.path.insert(0, str(project))
        recorded = asyncio.run(record("recorded"))
        texts = {name: anonymous(json.dumps(found, indent=1), project) for name, found in recorded.items()}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(f"{text}\n", "utf-8")
    return 0


def anonymous(text: str, project: Path) -> str:
    """The text without this machine's paths, which tracebacks name."""
    for place, name in ((project, "/app"), (ROOT, "/tool"), (sys.prefix, "/python"), (sys.base_prefix, "/python")):
        text = text.replace(json.dumps(str(place))[1:-1], name)
    return text


if __name__ == "__main__":
    raise SystemExit(main())
