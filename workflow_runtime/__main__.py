"""``python -m workflow_runtime COMMAND``: what operators do with runs and workers, without an app."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from workflow_runtime.errors import WorkflowError

COMMANDS = (
    "worker",
    "start",
    "inspect",
    "web",
    "check",
    "cancel",
    "resume",
    "retry",
    "pause",
    "unpause",
    "health",
    "migrate",
)
"""The modules of ``workflow_runtime.commands``, in the order in which help lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code: 0 done, 1 it failed, 2 it was called wrongly, 130 it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m workflow_runtime", description="Run workflows, and look at runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    modules = {name: importlib.import_module(f"workflow_runtime.commands.{name}") for name in COMMANDS}
    for module in modules.values():
        module.add(commands)
    options = parser.parse_args(arguments)
    sys.path.insert(0, "")
    try:
        code: int = modules[options.command].run(options)
    except (ImportError, WorkflowError) as error:
        from workflow_runtime.seeing.payloads import visible  # an error may name what others have written

        print(visible(f"error: {type(error).__name__}: {error}", lines=True), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    raise SystemExit(main())
