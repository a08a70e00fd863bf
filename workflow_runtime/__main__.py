"""``python -m workflow_runtime worker shop._workflow``: a worker without a web app."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import signal
import sys

from workflow_runtime.errors import WorkflowError
from workflow_runtime.logs import configure_logging
from workflow_runtime.process import world_url
from workflow_runtime.project import Registrations, registered_projects
from workflow_runtime.service import Service
from workflow_runtime.worlds.urls import open_world_url, shown_url


def main() -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow_runtime", description="Run a worker for compiled workflows."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    worker = commands.add_parser("worker", help="run the workflows of a project until interrupted")
    worker.add_argument("package", help="the written package, as in shop._workflow")
    options = parser.parse_args()
    sys.path.insert(0, "")
    try:
        configure_logging()
    except ValueError as error:
        parser.error(str(error))
    try:
        service = _service(options.package)
        open_world_url(world_url())
    except (ImportError, WorkflowError) as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"worker for {options.package} on {shown_url(world_url())}; Ctrl-C stops it", flush=True)
    asyncio.run(_serve(service))
    return 0


def _service(package: str) -> Service:
    importlib.import_module(package)
    registrations = importlib.import_module(f"{package}.step_registrations")
    steps: Registrations = registrations.STEPS
    project = next((project for project in registered_projects() if project.package == package), None)
    if project is None:
        raise WorkflowError(f"{package} is not a package that workflow-build wrote")
    return Service(project, steps)


async def _serve(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        try:
            loop.add_signal_handler(getattr(signal, name), stop.set)
        except NotImplementedError:  # Windows has no signal handlers on event loops
            signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))
    async with service.lifespan():
        await stop.wait()


if __name__ == "__main__":
    raise SystemExit(main())
