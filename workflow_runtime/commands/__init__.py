"""What ``python -m workflow_runtime`` can be told to do; one module for each command, whose name is the command's.

Such a module has ``add(commands)``, which declares the command and what it takes, and ``run(options)``, which gives the exit code. All are
imported for ``--help``, so that a module imports at its top only what is cheap, and the rest in ``run``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import argparse

    Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
    """Where ``add`` declares its command."""
