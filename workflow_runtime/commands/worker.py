"""``python -m workflow_runtime worker shop._workflow``: a worker without a web app, or one that pushes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from workflow_runtime.errors import WorkflowError
from workflow_runtime.settings import count, length_of_time
from workflow_runtime.worker_options import address, time_to_keep, worker_options

if TYPE_CHECKING:
    from workflow_runtime.alone import Life
    from workflow_runtime.commands import Commands

T = TypeVar("T")

EXIT = """\
exit codes: 0 stopped, and nothing is left in hand; 1 it could not start; 2 it was called wrongly;
3 something could not be stopped within the grace and 5 seconds more; 128 and the signal's number after a second signal
"""


def add(commands: Commands) -> None:
    """Declare the command."""
    help = "run the workflows of a project until interrupted, or push their messages to functions"
    worker = commands.add_parser("worker", help=help, description=help, epilog=EXIT)
    worker.add_argument("package", metavar="PACKAGE", nargs="?", help="the written package, as in shop._workflow")
    worker.add_argument(
        "--concurrency",
        metavar="N",
        type=_read_by(count),
        help="how many messages it has in hand at once (WORKFLOW_CONCURRENCY; 64)",
    )
    worker.add_argument(
        "--grace",
        metavar="SECONDS",
        type=_read_by(length_of_time),
        help="how long steps in progress have when it is told to stop (WORKFLOW_GRACE; 10)",
    )
    worker.add_argument(
        "--health",
        metavar="HOST:PORT",
        type=_read_by(address),
        help="where GET /health, /live and /metrics are answered (WORKFLOW_HEALTH; nowhere)",
    )
    worker.add_argument(
        "--retention",
        metavar="TIME",
        type=_read_by(time_to_keep),
        help="how long after its end a run is removed, as in '30 days' (WORKFLOW_RETENTION; never)",
    )
    worker.add_argument(
        "--push",
        metavar="URL",
        help="push messages to the functions at this URL, and handle none here (WORKFLOW_PUSH_URL)",
    )


def run(options: argparse.Namespace) -> int:
    """Work until interrupted; gives the exit code."""
    from workflow_runtime.alone import run_worker
    from workflow_runtime.logs import configure_logging
    from workflow_runtime.process import world_url
    from workflow_runtime.worlds.urls import open_world_url, shown_url

    url = options.push or os.environ.get("WORKFLOW_PUSH_URL")
    if not (options.package or url):
        print("error: name the written package, as in shop._workflow, or say where to --push", file=sys.stderr)
        return 2
    try:
        configure_logging()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    life = _life(options.package, url)
    given = {name: getattr(options, name) for name in ("concurrency", "grace", "health", "retention")}
    chosen = replace(worker_options(), **{name: value for name, value in given.items() if value is not None})
    open_world_url(world_url())
    what = f"worker for {options.package}" if url is None else "worker that pushes"
    print(f"{what} on {shown_url(world_url())}; Ctrl-C stops it", flush=True)
    run_worker(life, chosen)
    return 0


def _life(package: str | None, url: str | None) -> Life:
    from workflow_runtime.commands.package import load_package

    loaded = load_package(package) if package else None
    if url is not None:
        from workflow_runtime.push.pusher import PushDispatch

        return PushDispatch(url, os.environ.get("WORKFLOW_SECRET", ""))
    if loaded is None:
        raise WorkflowError("no package was named")
    from workflow_runtime.service import Service

    return Service(*loaded)


def _read_by(parse: Callable[[str], T]) -> Callable[[str], T]:
    """``parse`` for argparse, which shows only errors of its own in full."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error

    return read
