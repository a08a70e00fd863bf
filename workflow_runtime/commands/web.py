"""``python -m workflow_runtime web``: runs in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands
    from workflow_runtime.worlds.base import World

PORT = 8228


def add(commands: Commands) -> None:
    """Declare the command."""
    help = "show runs in a browser until interrupted"
    web = commands.add_parser("web", help=help, description=help)
    web.add_argument(
        "package",
        metavar="PACKAGE",
        nargs="?",
        help="the written package, as in shop._workflow: for graphs, names of arguments, and retries",
    )
    web.add_argument(
        "--host", default="127.0.0.1", help="where to listen (%(default)s); others need WORKFLOW_WEB_TOKEN"
    )
    web.add_argument("--port", type=int, default=PORT, help="the port (%(default)s)")


def run(options: Namespace) -> int:
    """Serve until interrupted; gives the exit code."""
    import importlib
    import os

    from workflow_runtime.commands.opened import with_world
    from workflow_runtime.web.serving import checked_gate, serve

    gate = checked_gate(options.host, os.environ.get("WORKFLOW_WEB_TOKEN", ""))
    if options.package:
        importlib.import_module(options.package)  # its bundles and graphs, and nothing of the app

    async def work(world: World) -> int:
        await serve(options.host, options.port, gate)
        return 0

    return with_world(work)
