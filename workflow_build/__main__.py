"""``python -m workflow_build`` and the ``workflow-build`` command."""

from __future__ import annotations

from workflow_build.cli import cli


def main() -> None:
    """Run the command. Exits with 0, 1 or 2."""
    cli(prog_name="workflow-build")


if __name__ == "__main__":
    main()
