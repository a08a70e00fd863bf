"""For tests of projects with workflows: what pytest's fixtures ``workflows`` and ``async_workflows`` are, for annotations.

Nothing of it is loaded before it is asked for: pytest imports this package wherever it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_build.testing.errors import ProjectError, StuckError
    from workflow_build.testing.plain import Workflows
    from workflow_build.testing.workflows import AsyncWorkflows

__all__ = ["AsyncWorkflows", "ProjectError", "StuckError", "Workflows"]

if not TYPE_CHECKING:  # or every name would seem to be there

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from workflow_build.testing import errors, plain

        return getattr(errors if hasattr(errors, name) else plain, name)
