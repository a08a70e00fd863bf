"""Whether the output is what the source says."""

from __future__ import annotations

from workflow_build.build import build
from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.errors import BuildError
from workflow_build.model import Severity
from workflow_build.write import read_manifest


def check_output(patient: Patient) -> Finding | None:
    """What ``workflow-build --check`` says, the routes aside."""
    try:
        result = build(patient.config, only_check=True, with_routes=False)
    except BuildError as error:
        return Finding(
            "output", Level.PROBLEM, f"the project can not be built: {error}", "mend it, and run workflow-build"
        )
    errors = [found for found in result.diagnostics if found.severity is Severity.ERROR]
    if errors:
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        message = f"the project does not build: {errors[0].code} {errors[0].message}{more}"
        return Finding("output", Level.PROBLEM, message, "run workflow-build to see all of it")
    if result.output.stale:
        never = read_manifest(patient.config.out) is None
        message = (
            f"{patient.out} was never built"
            if never
            else f"{patient.out} is stale: {result.output.stale[0].path} {result.output.stale[0].reason}"
        )
        return Finding("output", Level.PROBLEM, message, "run workflow-build")
    return Finding("output", Level.OK, f"{patient.out} is what the source says")
