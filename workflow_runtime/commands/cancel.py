"""``python -m workflow_runtime cancel``: cancel runs, by id or by what they have in common."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.inspect.asking import Filter
    from workflow_runtime.worlds.base import World

_EXAMPLES = """
cancel wrun_01M8195Y
cancel --workflow checkout --attribute tenant=acme --since '2 hours' --yes

Exit codes: 0 all were cancelled, or none fit; 1 some had ended or are not there; 2 called wrongly, or not confirmed.
"""
_PAGE = 200


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    from workflow_runtime.commands.inspect import add_filter

    help = "cancel runs, with their steps and the runs that they have started"
    parser = commands.add_parser(
        "cancel", help=help, description=help, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="which; or say what they have in common:")
    add_filter(parser)
    parser.add_argument("--reason", help="what whoever awaits them is told")
    parser.add_argument("--yes", action="store_true", help="do not ask, however many they are")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Cancel them, and print which; gives the exit code."""
    from workflow_runtime.commands.inspect import read_filter
    from workflow_runtime.commands.opened import with_world

    try:
        wanted = read_filter(options)
        _check(options, wanted)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    async def work(world: World) -> int:
        from workflow_runtime.inspect.asking import find_id

        ids = [await find_id(world, text) for text in options.runs] or await _fitting(world, wanted)
        if not options.runs and not (options.yes or _confirmed(len(ids))):
            return 2
        return await _cancel(world, ids, options)

    return with_world(work)


def _check(options: Namespace, wanted: Filter) -> None:
    filters = any((wanted.status, wanted.workflow, wanted.attributes, wanted.since, wanted.until))
    if bool(options.runs) == filters:
        raise ValueError("name the runs, or say what they have in common (--workflow, --attribute, --status, …)")
    if any(status.ended for status in wanted.status or ()):
        raise ValueError("what has ended can not be cancelled; --status may be pending or running")


async def _fitting(world: World, wanted: Filter) -> list[str]:
    from dataclasses import replace

    from workflow_runtime.inspect.asking import find_runs
    from workflow_runtime.worlds.types import RunStatus

    live = wanted.status or (RunStatus.PENDING, RunStatus.RUNNING)
    ids: list[str] = []
    page = replace(wanted, status=live, limit=_PAGE)
    while True:
        runs, before = await find_runs(world, page)
        ids += [run.id for run in runs]
        if before is None:
            return ids
        page = replace(page, before=before)


def _confirmed(count: int) -> bool:
    from workflow_runtime.seeing.phrases import counted

    if not count:
        return True
    if not sys.stdin.isatty():
        print(f"error: {counted(count, 'run')} would be cancelled; add --yes to do so", file=sys.stderr)
        return False
    return input(f"cancel {counted(count, 'run')}? [y/N] ").strip().lower() in ("y", "yes")


async def _cancel(world: World, ids: list[str], options: Namespace) -> int:
    from workflow_runtime.commands.opened import print_json
    from workflow_runtime.handler.ends import cancel
    from workflow_runtime.seeing.payloads import visible

    done = {run_id: await cancel(world, run_id, options.reason) for run_id in ids}
    if options.json:
        print_json(cancelled=[one for one in ids if done[one]], ended=[one for one in ids if not done[one]])
    else:
        for run_id, cancelled in done.items():
            print(f"{visible(run_id)}  {'cancelled' if cancelled else 'had ended before'}")
        if not ids:
            print("no runs fit")
    return 0 if all(done.values()) or not options.runs else 1
