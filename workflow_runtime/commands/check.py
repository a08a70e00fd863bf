"""``check``: whether the history of every run is as it must be."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow_runtime.worlds.base import World

FAULTY = 1
"""The exit code when a history is not as it must be."""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="look through the history of every run for what can not be",
        description=(
            "Reads every log and the queue, and tells what can not be: holes, outcomes that nobody can have had, runs that nothing will "
            "carry on. Exits with 1 when there is such a thing. Changes nothing, and may run beside workers."
        ),
    )
    parser.add_argument("--json", action="store_true", help="print each fault as a line of JSON")


def run(options: argparse.Namespace) -> int:
    """Check; gives the exit code."""
    from workflow_runtime.commands.opened import with_world

    return with_world(lambda world: _check(world, as_json=options.json))


async def _check(world: World, *, as_json: bool) -> int:
    from workflow_runtime.histories import check_world
    from workflow_runtime.seeing.payloads import visible

    runs = events = faulty = 0
    async for run, faults in check_world(world):
        runs, events, faulty = runs + 1, events + run.slot, faulty + bool(faults)
        for fault in faults:
            told = {"run": fault.run_id, "slot": fault.slot, "fault": fault.what}
            print(json.dumps(told) if as_json else visible(str(fault)))
    if not as_json:
        print(
            f"{runs} runs, {events} events: {'all as they must be' if not faulty else f'{faulty} runs are not right'}"
        )
    return FAULTY if faulty else 0
