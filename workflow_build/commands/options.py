"""What the subcommands share: the arguments that all take, how errors end them, and where they print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workflow_build.build import TIMEOUT
from workflow_build.errors import BuildError, UsageError

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def expected_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and an exit code, without a traceback."""
    try:
        yield
    except BuildError as error:
        click.echo(f"workflow-build: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def project_options(command: Callable[..., None]) -> Callable[..., None]:
    """The argument and options that every command takes."""
    decorators = [
        click.argument("project", default=".", type=click.Path(path_type=Path)),
        click.option(
            "--target", "targets", multiple=True, metavar="NAME", help="Framework to write a handler for; repeatable."
        ),
        click.option("--app", metavar="MODULE:ATTR", help="Read the routes from this app, or app factory."),
        click.option("--out", metavar="DIR", help="Output folder, relative to PROJECT; must be importable."),
        click.option(
            "--timeout",
            default=TIMEOUT,
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True, max=86400),
            help=f"How long reading the routes may take; default {TIMEOUT:g}.",
        ),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def console() -> Console:
    """Standard output; styled only on a terminal, and never when NO_COLOR or CI is set."""
    from rich.console import Console  # it takes longer to load than a build with nothing to do takes

    plain = bool(os.environ.get("CI") or os.environ.get("NO_COLOR"))
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, color_system=None if plain else "auto")
