"""Whether the output is what the source says, and whether the app was seen to answer."""

from __future__ import annotations

import json

from workflow_build.build import build
from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.errors import BuildError
from workflow_build.model import Severity
from workflow_build.write import CONFIG, read_manifest


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


def check_routes(patient: Patient) -> Finding | None:
    """What ``config.json`` says of the routes; None for a project without a web framework."""
    if not patient.config.targets:
        return None
    advice = "run workflow-build, which says what is missing; with --app module:attribute if the app is not found"
    try:
        content = json.loads((patient.config.out / CONFIG).read_text("utf-8"))
        routes = [dict(route) for route in content["routes"]]
    except (OSError, ValueError, TypeError, KeyError):
        return Finding(
            "routes",
            Level.WARNING,
            "no build has found our routes in the app: it was not read, or does not mount the handler",
            advice,
        )
    if not any(route.get("kind") == "flow" for route in routes):
        return Finding("routes", Level.PROBLEM, "the app has no flow route: the handler is not mounted", advice)
    unconfirmed = [str(route.get("path")) for route in routes if not route.get("confirmed")]
    if unconfirmed:
        message = f"no request has reached {', '.join(unconfirmed)}: something may stand before the app's routes"
        return Finding("routes", Level.WARNING, message, "run workflow-build routes to see what answers instead")
    return Finding("routes", Level.OK, f"the app answers at {', '.join(str(route.get('path')) for route in routes)}")
