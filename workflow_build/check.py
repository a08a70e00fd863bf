"""Judge what the workflows reach, and the marked functions as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from workflow_build import rules
from workflow_build.model import Diagnostic, ExternalUse, Functions, Location, Program, Severity, WorkflowClosure
from workflow_runtime.sandbox.purity import is_pure

ADVICE = {
    "time.sleep": 'write `await sleep("5 minutes")` with `sleep` from workflow_runtime',
    "asyncio.run": "await the coroutine instead",
    "builtins.open": "read and write files in a step",
    "builtins.input": "take what is needed as an argument of the workflow",
    "builtins.breakpoint": "remove it; set the breakpoint in a debugger",
}
"""What to do about calls whose module may be used otherwise."""


def check(program: Program, functions: Functions) -> tuple[Diagnostic, ...]:
    """The findings of this stage, sorted by place. Those of the stages before are in their own results."""
    found = [*_impure(program), *_nothing_found(program, functions), *_unused(program, functions)]
    return tuple(sorted(found, key=_place))


def _impure(program: Program) -> Iterator[Diagnostic]:
    """One finding for each place where workflow code uses what is not pure, with the first workflow that leads there."""
    seen: set[tuple[str, Location]] = set()
    for closure in program.workflows:
        for use in closure.uses:
            if (use.name, use.location) not in seen and not is_pure(use.name, program.pure):
                seen.add((use.name, use.location))
                yield _finding(closure, use)


def _finding(closure: WorkflowClosure, use: ExternalUse) -> Diagnostic:
    workflow, name = closure.function.qualname, use.name.removeprefix("builtins.")
    trail = " → ".join((*use.trail, name))
    if is_pure(use.module):
        advice = ADVICE.get(use.name, f"move the code that calls {name} into a step")
        return rules.BLOCKING_CALL.at(
            use.location, trail=use.trail, workflow=workflow, name=name, path=trail, advice=advice
        )
    package = use.module.partition(".")[0]
    return rules.IMPURE_IMPORT.at(
        use.location, trail=use.trail, workflow=workflow, name=name, path=trail, package=package
    )


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
