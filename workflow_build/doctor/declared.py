"""Whether the project's own settings say what is needed: the package among its dependencies, and the folder of its modules."""

from __future__ import annotations

from workflow_build.dependencies import OURS
from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_build.own_dependency import lacking_dependency, listed
from workflow_build.roots import holds_namespace


def check_dependency(patient: Patient) -> Finding | None:
    """What the written modules import must be where the app is deployed, too. None where the project lists no dependencies."""
    if listed(patient.config.project, patient.pyproject) is None:
        return None
    world = patient.environ.get("WORKFLOW_WORLD")
    lacking = lacking_dependency(patient.config.project, patient.pyproject, world)
    if lacking:
        return Finding("dependency", Level.PROBLEM, lacking.problem, f"add to {lacking.place}\n{lacking.line}")
    return Finding("dependency", Level.OK, f"the project says that it needs {OURS}")


def check_roots(patient: Patient) -> Finding | None:
    """Modules are named from the roots on: a namespace package in ``src`` beside other packages may be meant, or not."""
    config = patient.config
    named = patient.at("tool", "workflow-build", "roots") is not None
    src = config.project / "src"
    if named or config.roots != (config.project,) or (src / "__init__.py").is_file() or not holds_namespace(src):
        return None
    message = "modules below src are taken for src.… since there are packages beside it"
    advice = 'if src is on sys.path when the app runs, add to pyproject.toml\n[tool.workflow-build]\nroots = ["src"]'
    return Finding("roots", Level.WARNING, message, f'{advice}\nor else roots = ["."]')
