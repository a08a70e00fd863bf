"""``python -m workflow_runtime pause``: let nothing more begin, of one workflow or at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

_EXIT = """
Exit codes: 0 done, or it was so already; 1 no such workflow; 2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    declare(commands, "pause", "deliver no messages of a workflow's runs, or none at all; what is in hand goes on")


def declare(commands: Commands, name: str, help: str) -> None:
    """Declare ``pause``, or its contrary."""
    from argparse import RawDescriptionHelpFormatter

    parser = commands.add_parser(
        name, help=help, description=help, epilog=_EXIT, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("workflow", nargs="?", metavar="WORKFLOW", help="its id, or the own name of one that has runs")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Pause it, and print what is paused now; gives the exit code."""
    return change(options, pause=True)


def change(options: Namespace, *, pause: bool) -> int:
    """Pause or take that back; gives the exit code."""
    from workflow_runtime.commands.opened import print_json, with_world
    from workflow_runtime.seeing.payloads import visible

    async def work(world: World) -> int:
        workflow = await _workflow(world, options.workflow)
        await (world.pause(workflow) if pause else world.unpause(workflow))
        paused = await world.paused()
        if options.json:
            print_json(paused=paused)
        else:
            print(f"paused: {', '.join(visible(name) or 'everything' for name in paused) or 'nothing'}")
        return 0

    return with_world(work)


async def _workflow(world: World, text: str | None) -> str:
    from workflow_runtime.errors import WorkflowError
    from workflow_runtime.inspect.asking import Filter, find_runs

    if text is None or text.startswith("workflow//"):
        return text or ""
    runs, _ = await find_runs(world, Filter(workflow=text, limit=50))
    found = {run.workflow for run in runs}
    if len(found) == 1:
        return found.pop()
    known = f"; there is {', '.join(sorted(found))}" if found else ""
    raise WorkflowError(
        f"{text!r} is no one workflow's name here; write the id, as in workflow//shop.orders//checkout{known}"
    )
