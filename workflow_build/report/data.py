"""Everything about a build as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from workflow_build.build import Result
from workflow_build.model import Routes
from workflow_build.summary import place, summary


def json_text(result: Result) -> str:
    """Everything about a build as one JSON object."""
    content = {
        "version": 1,
        "ok": not result.failed,
        "summary": summary(result),
        "out": place(result),
        "targets": result.config.targets,
        "workflows": [function.id for function in result.functions.workflows],
        "steps": [function.id for function in result.functions.steps],
        "diagnostics": [asdict(found) for found in result.diagnostics],
        "suppressed": [{**asdict(one.finding), "reason": one.reason} for one in result.suppressed],
        **asdict(result.output),
        "routes": [{"target": one.target, **asdict(route)} for one in result.routes for route in one.routes],
    }
    return json.dumps(content, indent=2)


def routes_json_text(found: Sequence[Routes]) -> str:
    """The routes and what is wrong with them as one JSON object."""
    content = {
        "version": 1,
        "routes": [{"target": one.target, **asdict(route)} for one in found for route in one.routes],
        "diagnostics": [asdict(diagnostic) for one in found for diagnostic in one.diagnostics],
    }
    return json.dumps(content, indent=2)
