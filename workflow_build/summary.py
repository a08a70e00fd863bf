"""A build in one line."""

from __future__ import annotations

from workflow_build.build import Result
from workflow_build.model import Severity
from workflow_build.write import MANIFEST


def summary(result: Result) -> str:
    """``3 workflows, 7 steps → shop/_workflow (fastapi)  2 files written``, or what keeps it from being fresh."""
    if never_built(result):
        return f"{place(result)} has not been built; run workflow-build"
    if result.output.stale:
        return f"{count(len(result.output.stale), 'file')} stale; run workflow-build"
    errors = sum(found.severity is Severity.ERROR for found in result.diagnostics)
    what = f"{count(len(result.functions.workflows), 'workflow')}, {count(len(result.functions.steps), 'step')}"
    if result.stopped:
        return f"{what}  {count(errors, 'error')}; nothing was written"
    done = [f"{count(len(result.output.written), 'file')} written"] if result.output.written else []
    done += [f"{len(result.output.removed)} removed"] if result.output.removed else []
    done += [count(errors, "error")] if errors else []
    targets = f" ({', '.join(result.config.targets)})" if result.config.targets else ""
    return f"{what} → {place(result)}{targets}  {', '.join(done) or 'up to date'}"


def never_built(result: Result) -> bool:
    """Whether a check found no output at all: then there is nothing to show the differences to."""
    return any(stale.path == MANIFEST and stale.reason == "missing" for stale in result.output.stale)


def place(result: Result) -> str:
    """The output folder, relative to the project."""
    return result.config.out.relative_to(result.config.project).as_posix()


def count(number: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {word}{'' if number == 1 else 's'}"
