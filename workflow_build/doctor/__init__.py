"""The doctor: what would go wrong later, at packing, deploying or starting, and what to do about it now."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workflow_build.doctor import declared, environment, freshness, linters, mounted, shipping, state, wheels
from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.model import Config

Check = Callable[[Patient], Finding | None]
"""One look at a project. None: the question does not arise for it."""

CHECKS: tuple[Check, ...] = (
    environment.check_python,
    environment.check_frameworks,
    declared.check_dependency,
    declared.check_roots,
    freshness.check_output,
    mounted.check_routes,
    shipping.check_commit,
    wheels.check_wheel,
    shipping.check_docker,
    shipping.check_gcloud,
    shipping.check_vercel,
    shipping.check_place,
    *(linters.check_with(tool) for tool in linters.TOOLS),
    state.check_world,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What the doctor found, in the order of its checks."""

    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        """Whether there is a problem."""
        return any(found.level is Level.PROBLEM for found in self.findings)


def examine(config: Config, environ: Mapping[str, str] = os.environ) -> Report:
    """Every check that the project gives reason for. Writes nothing, and runs none of the project's code."""
    path = config.project / "pyproject.toml"
    pyproject = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    patient = Patient(config, pyproject, environ)
    return Report(tuple(found for check in CHECKS if (found := check(patient))))
