"""A module of the project that is itself the script which runs: one workflow id, whatever Python calls the module."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workflow_build.build import build
from workflow_build.model import Config

SCRIPT = """
import asyncio
from dataclasses import dataclass

from workflow_runtime import start, step, workflow


@dataclass
class Order:
    cents: int


@step
async def charge(order: Order) -> int:
    return order.cents


@workflow
async def checkout(order: Order) -> int:
    return await charge(order)


async def main() -> None:
    import shop._workflow
    from workflow_runtime.process import process_world

    run = await start(checkout, Order(3))
    log = await (await process_world()).load(run.id)
    print((await run.info()).workflow, log.events[0].data["input"]["args"][0]["$type"])


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("how", [["-m", "shop.main"], ["shop/main.py"]], ids=["module", "file"])
def test_a_workflow_started_from_the_script_that_defines_it_has_its_modules_id(
    project: Callable[..., Config], tmp_path: Path, how: list[str]
) -> None:
    config = project({"shop/__init__.py": "", "shop/main.py": SCRIPT}, targets=())
    assert not build(config, with_routes=False).failed
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}"}

    done = subprocess.run(
        [sys.executable, *how], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.stdout == "workflow//shop.main//checkout shop.main.Order\n"
