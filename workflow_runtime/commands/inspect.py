"""``python -m workflow_runtime inspect``: look at runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.inspect.asking import Filter
    from workflow_runtime.inspect.show import Request
    from workflow_runtime.worlds.base import World

WHAT = ("runs", "run", "steps", "events", "hooks", "streams")
_EXAMPLES = """
inspect                        the newest runs, and what each waits for
inspect RUN                    one run as a timeline
inspect steps RUN              all that it did, with arguments and results
inspect events RUN --follow    its log, as it grows
inspect hooks                  hooks that wait for somebody
inspect streams RUN NAME       what its steps have written

RUN is an id, or a beginning of one that no other run has.
Exit codes: 0 shown, 1 no such run or no world, 2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    help = "show runs, steps, events, hooks, streams, or one run as a timeline"
    parser = commands.add_parser(
        "inspect", help=help, description=help, epilog=_EXAMPLES, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", default="runs", metavar="WHAT", help=f"{', '.join(WHAT)}, or a run's id")
    parser.add_argument("run", nargs="?", metavar="RUN", help="the run")
    parser.add_argument("stream", nargs="?", metavar="NAME", help="with streams: the stream whose chunks to show")
    add_filter(parser)
    parser.add_argument("--parent", metavar="RUN", help="only runs that this one has started")
    parser.add_argument("--before", metavar="RUN", help="only runs that are older than this one: the next page")
    parser.add_argument("--limit", type=int, default=25, metavar="N", help="how many runs at most (25)")
    parser.add_argument("--json", action="store_true", help="JSON, whole and stable; with --follow, a document a line")
    parser.add_argument("--follow", action="store_true", help="go on as things happen")


def add_filter(parser: ArgumentParser) -> None:
    """Declare what says which runs are meant."""
    parser.add_argument("--status", metavar="STATUS", help="only these: pending, running, completed, failed, …")
    parser.add_argument("--workflow", metavar="NAME", help="only runs of this workflow: its id, or its own name")
    parser.add_argument(
        "--attribute", action="append", default=[], metavar="NAME=VALUE", help="only runs that have it; may be repeated"
    )
    parser.add_argument("--since", metavar="TIME", help="only runs created then or later: '2 hours' (ago), 2026-11-22")
    parser.add_argument("--until", metavar="TIME", help="only runs created before then")


def read_filter(options: Namespace) -> Filter:
    """What the options of ``add_filter`` say. Raises ``ValueError``."""
    import time

    from workflow_runtime.inspect.asking import Filter, read_attribute, read_statuses, read_time

    now = time.time()
    return Filter(
        status=read_statuses(options.status) if options.status else None,
        workflow=options.workflow,
        attributes=dict(read_attribute(text) for text in options.attribute),
        since=read_time(options.since, now) if options.since else None,
        until=read_time(options.until, now) if options.until else None,
    )


def run(options: Namespace) -> int:
    """Show what is asked for; gives the exit code."""
    from workflow_runtime.commands.opened import with_world
    from workflow_runtime.inspect.show import show

    try:
        request = _request(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    async def work(world: World) -> int:
        await show(world, await _with_whole_ids(world, request))
        return 0

    return with_world(work)


def _request(options: Namespace) -> Request:
    from dataclasses import replace

    from workflow_runtime.inspect.show import Request

    what, run_id, stream = options.what, options.run, options.stream
    if what not in WHAT:
        if run_id is not None:
            raise ValueError(f"{what!r} can not be shown; it may be {', '.join(WHAT)}, or one run's id alone")
        what, run_id = "run", what
    if what == "runs" and run_id is not None:
        raise ValueError("runs takes no run's id; leave one of the two out")
    if what in ("run", "steps", "events", "streams") and run_id is None:
        raise ValueError(f"{what} of which run? Write: inspect {what} RUN")
    if stream is not None and what != "streams":
        raise ValueError(f"{stream!r} is one word too many")
    if options.limit < 1:
        raise ValueError("--limit is from 1 on")
    wanted = replace(read_filter(options), parent=options.parent, before=options.before, limit=options.limit)
    return Request(what, wanted, run_id, stream, options.json, options.follow)


async def _with_whole_ids(world: World, request: Request) -> Request:
    """The request with the ids of its filter written out."""
    from dataclasses import replace

    from workflow_runtime.inspect.asking import find_id

    wanted = request.wanted
    if wanted.parent is not None:
        wanted = replace(wanted, parent=await find_id(world, wanted.parent))
    if wanted.before is not None:
        wanted = replace(wanted, before=await find_id(world, wanted.before))
    return replace(request, wanted=wanted)
