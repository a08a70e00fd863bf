"""``python -m workflow_build`` and the ``workflow-build`` command."""

from __future__ import annotations

import gc
import io
import sys

from workflow_build.cli import cli


def main() -> None:
    """Run the command. Exits with 0, 1 or 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A pipe on Windows is in the system's old encoding, which lacks arrows: better a question mark than a traceback.
        sys.stdout.reconfigure(errors="replace")
    gc.disable()  # a command ends before there is garbage worth looking for; what watches turns it on again
    try:
        cli(prog_name="workflow-build")
    finally:
        gc.freeze()  # nor is what is left looked through in the end


if __name__ == "__main__":
    main()
