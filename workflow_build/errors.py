"""What a build can raise.

    Exception
    └── BuildError              the build can not go on
        ├── UsageError          the command or the configuration is wrong (exit code 2)
        └── OutputError         the output can not be written; what was there is untouched

Findings in the user's code are not exceptions: they are ``Diagnostic`` values, all collected and reported together.
"""

from __future__ import annotations


class BuildError(Exception):
    """The build can not go on. The message says what, where, and what to do."""


class UsageError(BuildError):
    """The command line or ``[tool.workflow-build]`` is wrong."""


class OutputError(BuildError):
    """The output folder can not be written."""
