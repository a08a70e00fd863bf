"""``python -m workflow_runtime worker shop._workflow``: a worker without a web app."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from importlib.util import find_spec

from workflow_runtime.alone import run_worker
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
    run_worker(service)
    return 0


def _service(package: str) -> Service:
    if os.environ.get("DJANGO_SETTINGS_MODULE") and find_spec("django"):
        importlib.import_module("django").setup()  # as for its own commands: modules with models need its apps
    importlib.import_module(package)
    if not package.endswith("._workflow") and find_spec(f"{package}._workflow"):
        raise WorkflowError(f"{package} is not what workflow-build wrote; did you mean {package}._workflow?")
    registrations = importlib.import_module(f"{package}.step_registrations")
    steps: Registrations = registrations.STEPS
    project = next((project for project in registered_projects() if project.package == package), None)
    if project is None:
        raise WorkflowError(f"{package} is not a package that workflow-build wrote")
    return Service(project, steps)


if __name__ == "__main__":
    raise SystemExit(main())
