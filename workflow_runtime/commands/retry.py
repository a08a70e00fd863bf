"""``python -m workflow_runtime retry``: run a failed run again from where it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

_TEXT = """run a run that failed, or was cancelled, again: as a new run that has all that the old one completed

Steps that were completed are not executed again. The step that failed has all its retries again. The workflow's code is that of the old run,
from the project in this folder (or from the world, when it was published there)."""
_EXIT = """
Exit codes: 0 there is a new run, whose id is printed (it was there already when it had been retried before); 1 it can not be retried, the
reason is said; 2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    from workflow_runtime.commands.found import add_package

    help = "run a failed run again from where it failed"
    parser = commands.add_parser(
        "retry", help=help, description=_TEXT, epilog=_EXIT, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", help="its id, or a beginning that no other has")
    parser.add_argument(
        "--current-code", action="store_true", help="by the workflow's code as it is built now: when that was the fault"
    )
    add_package(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Retry it, and print the new run's id; gives the exit code."""
    from workflow_runtime.commands.found import find_package
    from workflow_runtime.commands.opened import print_json, with_world

    find_package(options.package)

    async def work(world: World) -> int:
        from workflow_runtime.inspect.asking import find_id
        from workflow_runtime.retrying.renewing import retry

        old = await find_id(world, options.run)
        new = await retry(world, old, current_code=options.current_code)
        if options.json:
            print_json(run={"id": new.id, "workflow": new.workflow, "status": new.status.value}, retries=old)
        else:
            print(new.id)
        return 0

    return with_world(work)
