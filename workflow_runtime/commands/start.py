"""``python -m workflow_runtime start``: start a run of a workflow."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

_EXAMPLES = """
start checkout '{"id": "ord_1", "cents": 1290}' true

Each argument is one JSON value; the workflow's annotations say what becomes of it.
Exit codes: 0 started, 1 no such workflow, or the arguments do not fit, 2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    from workflow_runtime.commands.found import add_package

    help = "start a run of a workflow"
    parser = commands.add_parser(
        "start", help=help, description=help, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("workflow", metavar="WORKFLOW", help="its own name, or its id")
    parser.add_argument("arguments", nargs="*", metavar="JSON", help="the arguments, one by one")
    parser.add_argument("--key", help="started twice with the same key, there is one run")
    add_package(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Start it, and print the run's id; gives the exit code."""
    import json

    from workflow_runtime.client import start
    from workflow_runtime.commands.found import find_workflow, load_workflow, needed_package
    from workflow_runtime.commands.opened import print_json, with_world

    try:
        arguments = [json.loads(text) for text in options.arguments]
    except ValueError as error:
        print(f"error: an argument is no JSON ({error}); text is written in quotes, as '\"ord_1\"'", file=sys.stderr)
        return 2
    workflow = find_workflow(needed_package(options.package), options.workflow)
    function = load_workflow(workflow)

    async def work(_: World) -> int:
        try:
            started = await start.options(key=options.key)(function, *arguments)
        except (TypeError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        if options.json:
            print_json(run={"id": started.id, "workflow": workflow})
        else:
            print(started.id)
        return 0

    return with_world(work, makes=True)
