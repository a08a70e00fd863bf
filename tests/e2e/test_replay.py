"""A process that only replays: what it loads, and what it does not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

BASKET = {"customer": "ada@example.org", "card": "tok_1", "lines": [{"sku": "tea", "quantity": 2, "price": "4.50"}]}
REPLAY = """
import asyncio, json, os, sys
import shop._workflow
from workflow_runtime.machine.machine import Machine
from workflow_runtime.project import registered_projects
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.worlds.urls import open_world_url

async def load(run_id):
    world = open_world_url(os.environ["WORKFLOW_WORLD"])
    await world.open()
    log = await world.load(run_id)
    await world.close()
    return log

log = asyncio.run(load(sys.argv[1]))
(project,) = registered_projects()
machine = Machine(log.run.id, load_program(project.bundles[log.run.bundle](), project.root))
for event in log.events:
    machine.feed(event)
replayed = sorted(sys.modules)
import shop._workflow.step_registrations
print(json.dumps({"ended": machine.ended, "left": len(machine.commands), "replayed": replayed, "served": sorted(sys.modules)}))
"""

pytestmark = pytest.mark.timeout(180)


def replay(shop: Shop, run_id: str) -> dict[str, Any]:
    """What a process of its own says after it replayed the run."""
    command = [sys.executable, "-c", REPLAY, run_id]
    done = subprocess.run(command, cwd=shop.folder, env=shop.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_replay_does_not_load_what_only_steps_need(open_shop: Shop) -> None:
    run_id = open_shop.post("/orders", BASKET)["run"]
    assert open_shop.wait_for(run_id)["status"] == "completed"

    told = replay(open_shop, run_id)

    assert (told["ended"], told["left"]) == (True, 0)
    assert not {"shop.heavy", "shop.reports", "shop.payments", "shop.stock", "shop.main", "fastapi"} & set(
        told["replayed"]
    )
    assert "shop.heavy" in told["served"], "a process that runs steps loads it, or this test could not fail"


def test_replay_of_a_failed_run_fails_it_again(open_shop: Shop) -> None:
    run_id = open_shop.post("/refunds", {"order_id": "o1", "amount": "1"})["run"]
    assert open_shop.wait_for(run_id)["status"] == "failed"

    told = replay(open_shop, run_id)

    assert (told["ended"], told["left"]) == (True, 0)
