"""Judge what the workflows reach, and the marked functions as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from workflow_build import rules
from workflow_build.checks.judge import Judge
from workflow_build.checks.purity import Purity
from workflow_build.model import Diagnostic, Functions, Location, Program, Severity, Sources
from workflow_build.reach.lookup import Lookup
from workflow_build.reach.project import project_modules


def check(program: Program, functions: Functions, sources: Sources) -> tuple[Diagnostic, ...]:
    """The findings of this stage, sorted by place. Those of the stages before are in their own results."""
    lookup = Lookup(project_modules(sources, functions))
    found = [
        *Purity(program, lookup).findings(),
        *Judge(program, functions, sources, lookup).findings(),
        *_nothing_found(program, functions),
        *_unused(program, functions),
    ]
    return tuple(sorted(dict.fromkeys(found), key=_place))


def _nothing_found(program: Program, functions: Functions) -> Iterator[Diagnostic]:
    """Said only when nothing else explains it."""
    explained = any(finding.severity is Severity.ERROR for finding in functions.diagnostics)
    if not functions.workflows and not explained:
        yield rules.NO_WORKFLOWS.at(None, roots=", ".join(program.roots) or "the project")


def _unused(program: Program, functions: Functions) -> Iterator[Diagnostic]:
    used = {step.id for closure in program.workflows for step in closure.steps}
    for step in functions.steps:
        if step.id not in used and program.workflows:
            yield rules.UNUSED_STEP.at(step.location, name=step.qualname)


def _place(finding: Diagnostic) -> tuple[Location, str, str]:
    return finding.location or Location("", 0), finding.code, finding.message
