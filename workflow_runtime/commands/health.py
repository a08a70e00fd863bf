"""``python -m workflow_runtime health``: whether the world answers, and somebody takes what is in its queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

STUCK_AFTER = 30.0
"""Seconds that a message may be due while no message is in anybody's hands."""
LOOKED_AT = 1000
"""How many messages are looked at for one that nothing but the lack of a worker keeps back."""
_EXIT = """
Exit codes: 0 healthy; 1 the world does not answer, or messages are due for more than 30 s and nobody works: no worker runs, or all is paused;
2 called wrongly.
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    from argparse import RawDescriptionHelpFormatter

    help = "whether the world answers, and somebody takes what is in its queue"
    parser = commands.add_parser(
        "health", help=help, description=help, epilog=_EXIT, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: Namespace) -> int:
    """Look, and say; gives the exit code."""
    from workflow_runtime.commands.opened import with_world

    async def work(world: World) -> int:
        return await _look(world, options)

    return with_world(work)


async def _look(world: World, options: Namespace) -> int:
    import time
    from dataclasses import asdict

    from workflow_runtime.commands.opened import print_json
    from workflow_runtime.process import world_url
    from workflow_runtime.seeing.payloads import visible
    from workflow_runtime.seeing.phrases import lasting
    from workflow_runtime.worlds.urls import shown_url

    depth, paused, runs = await world.queue_depth(), await world.paused(), await world.count_runs()
    # What a limit keeps back waits for other work, and not for a worker.
    waiting = [
        one for one in await world.list_messages(limit=LOOKED_AT) if not one.in_hand and one.message.limit is None
    ]
    oldest = max((max(0.0, time.time() - one.ready_at) for one in waiting), default=0.0)
    healthy = depth.in_hand > 0 or oldest < STUCK_AFTER
    if options.json:
        counts = {status.value: count for status, count in runs.items()}
        where = shown_url(world_url())
        print_json(healthy=healthy, world=where, queue=asdict(depth), oldest_due=oldest, paused=paused, runs=counts)
        return 0 if healthy else 1
    print(f"world   {shown_url(world_url())}")
    print(f"queue   {depth.due:,} due, {depth.in_hand:,} in hand, {depth.delayed:,} delayed")
    print(f"runs    {', '.join(f'{count:,} {status.value}' for status, count in runs.items() if count) or 'none'}")
    if paused:
        print(f"paused  {', '.join(visible(name) or 'everything' for name in paused)}")
    if not healthy:
        print(f"nobody works, and a message is due for {lasting(oldest)}: does a worker run, or is all paused?")
    return 0 if healthy else 1
