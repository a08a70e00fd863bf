"""``python -m workflow_runtime unpause``: take back ``pause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflow_runtime.commands.pause import change, declare

if TYPE_CHECKING:
    from argparse import Namespace

    from workflow_runtime.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    declare(commands, "unpause", "take back pause, of a workflow or of everything")


def run(options: Namespace) -> int:
    """Take it back, and print what is paused still; gives the exit code."""
    return change(options, pause=False)
