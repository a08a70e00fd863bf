"""The command as a whole: which subcommands there are, and that ``build`` is meant when none is named."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from workflow_build.commands.usage import HELP

COMMANDS = ("build", "routes", "graph", "doctor", "predeploy", "publish", "init", "clean")
"""Each is in the module of its name in ``workflow_build.commands``, which is loaded when the command is asked for."""


class _DefaultGroup(click.Group):
    """A group whose first argument may be a folder or a flag: then ``build`` is meant. A folder named like a command: ``./routes``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"workflow_build.commands.{cmd_name}"), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in {*COMMANDS, "--help", "-h", "--version"}:
            _refuse_misspelt(ctx, first)
            args = ["build", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[PROJECT] [OPTIONS]")
        formatter.write_usage(ctx.command_path, "routes [PROJECT] [OPTIONS]", prefix=" " * len("Usage: "))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        build = self.get_command(ctx, "build")
        options = [item for item in (build.get_params(ctx) if build else ()) if isinstance(item, click.Option)]
        records = [record for item in options if (record := item.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl([*records, ("--version", "Show the version and exit.")])
        self.format_commands(ctx, formatter)


def _refuse_misspelt(ctx: click.Context, first: str) -> None:
    """End with advice when a word that is no folder is nearly a command."""
    if first.startswith("-") or Path(first).exists():
        return
    from difflib import get_close_matches  # which a build with nothing to do goes without

    if meant := get_close_matches(first, COMMANDS, n=1):
        click.echo(f"workflow-build: {first} is neither a command nor a folder; did you mean {meant[0]}?", err=True)
        ctx.exit(2)


@click.group(
    cls=_DefaultGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="workflow-build", prog_name="workflow-build")
def cli() -> None:
    """The command as a whole; ``HELP`` says what it does."""
