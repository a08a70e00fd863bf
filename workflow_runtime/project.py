"""What a process knows of the projects that ``workflow-build`` compiled: their workflows, bundles and steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from workflow_runtime.bundles import Bundle
from workflow_runtime.errors import StepNotRegisteredError, WorkflowNotRegisteredError
from workflow_runtime.limits import limits_of
from workflow_runtime.worlds.types import Limit


@dataclass(frozen=True, slots=True)
class Project:
    """One compiled project, as its written ``_workflow`` package describes it."""

    package: str
    """The written package, ``shop._workflow``."""
    root: Path
    """The folder that the paths in bundles are relative to."""
    build: str
    """The build's id, a hash over what was built."""
    workflows: Mapping[str, str]
    """Workflow id to the hash of its current bundle."""
    steps: Sequence[str]
    """The ids of the steps that the build found: a process that lacks one of them must not start."""
    bundles: Mapping[str, Callable[[], Bundle]]
    """Bundle hash to its loader, former bundles included."""
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What ``@workflow`` was given, by the workflow's id, for those that were given anything."""


_projects: dict[str, Project] = {}


def register_project(project: Project) -> Project:
    """Make the project's workflows known to this process, and give the project back. A second registration replaces the
    first.
    """
    _projects[project.package] = project
    return project


def registered_projects() -> tuple[Project, ...]:
    """The projects that this process knows, in the order in which they were registered."""
    return tuple(_projects.values())


def bundle_hash_of(workflow: str) -> str:
    """The hash of the current bundle of the workflow with that id. Raises ``WorkflowNotRegisteredError``."""
    for project in _projects.values():
        if workflow in project.workflows:
            return project.workflows[workflow]
    if not _projects:
        raise WorkflowNotRegisteredError(
            workflow,
            "no _workflow package was imported: run workflow-build, and mount its handler or import the package",
        )
    known = ", ".join(sorted(_projects))
    raise WorkflowNotRegisteredError(workflow, f"{known} does not have it: run workflow-build")


def run_limit_of(workflow: str) -> Limit | None:
    """What the first message of each run of the workflow brings along; None when nothing holds its runs back."""
    for project in _projects.values():
        if workflow in project.workflows:
            given = project.limits.get(workflow, {})
            return limits_of(given.get("concurrency"), given.get("rate")).of(workflow, of_run=True)
    return None


def workflow_of_script(qualname: str, file: str | None) -> str | None:
    """The id of the workflow of that name in ``file``, which runs as ``__main__`` and is a known project's module."""
    for project in _projects.values() if file else ():
        for workflow, bundle_hash in project.workflows.items():
            _, module, name = workflow.split("//")
            if name == qualname:
                modules = project.bundles[bundle_hash]().modules
                paths = [project.root / found.path for found in modules if found.name == module]
                if any(path.resolve() == Path(file or "").resolve() for path in paths):
                    return workflow
    return None


def has_bundle(bundle_hash: str) -> bool:
    """Whether a project of this process has the bundle, of this build or of an earlier one."""
    return any(bundle_hash in project.bundles for project in _projects.values())


def root_of(workflow: str) -> Path:
    """The root of the project that a workflow is, or was, part of; the current folder when this process knows no project."""
    package = workflow.split("//")[1].partition(".")[0]
    by_likelihood = sorted(
        _projects.values(),
        key=lambda project: (workflow not in project.workflows, project.package.partition(".")[0] != package),
    )
    return by_likelihood[0].root if by_likelihood else Path.cwd()


def load_bundle(workflow: str, bundle_hash: str) -> tuple[Bundle, Path]:
    """The bundle with that hash and its project's root. Raises ``WorkflowNotRegisteredError`` when no project has it
    unaltered.
    """
    for project in _projects.values():
        if bundle_hash in project.bundles:
            try:
                bundle = project.bundles[bundle_hash]()
            except ImportError as error:
                raise WorkflowNotRegisteredError(
                    workflow,
                    f"bundle {bundle_hash} of {project.package} is named there, and its module is gone: {error}",
                ) from error
            if _hash_of(bundle) != bundle_hash:
                raise WorkflowNotRegisteredError(
                    workflow, f"bundle {bundle_hash} of {project.package} was altered: run workflow-build again"
                )
            return bundle, project.root
    raise WorkflowNotRegisteredError(
        workflow, f"no imported _workflow package has its bundle {bundle_hash}: deploy it with the code"
    )


@lru_cache(maxsize=256)
def _hash_of(bundle: Bundle) -> str:
    return bundle.hash  # it reads all of the bundle's text, and is asked for with each message


class Registrations(Mapping[str, Callable[..., object]]):
    """The steps that a process can run, by id. The written ``step_registrations`` module fills one, by the name
    ``STEPS``.
    """

    def __init__(self) -> None:
        self._steps: dict[str, Callable[..., object]] = {}
        self._unavailable: dict[str, Exception] = {}
        self._missing: dict[str, Exception] = {}

    def add(self, step_id: str, function: Callable[..., object]) -> None:
        """Register a step."""
        self._steps[step_id] = function

    def unavailable(self, module: str, error: Exception, step_ids: Sequence[str]) -> None:
        """Note that ``module`` is there but fails to import: calls of its steps fail, with ``error`` as the cause.

        When the module is not there at all, or lacks the name, the steps are missing, and the handler refuses to start.
        """
        noted = self._missing if _is_missing(module, error) else self._unavailable
        noted.update(dict.fromkeys(step_ids, error))

    @property
    def failures(self) -> Mapping[str, Exception]:
        """The steps whose modules do not import, with the error."""
        return self._unavailable

    def require(self, expected: Sequence[str]) -> None:
        """Raise ``StepNotRegisteredError`` that names every expected step which is neither registered nor known to be
        unavailable.
        """
        missing = [step for step in expected if step not in self._steps and step not in self._unavailable]
        if missing:
            cause = next((self._missing[step] for step in missing if step in self._missing), None)
            raise StepNotRegisteredError(", ".join(missing), _why_missing(cause)) from cause

    def find(self, step_id: str) -> Callable[..., object]:
        """The step's function. Raises ``StepNotRegisteredError``; an import error of its module is the cause."""
        function = self._steps.get(step_id)
        if function is not None:
            return function
        cause = self._unavailable.get(step_id)
        if cause is None:
            raise StepNotRegisteredError(step_id)
        raise StepNotRegisteredError(
            step_id, f"its module failed to import: {type(cause).__name__}: {cause}"
        ) from cause

    def knows(self, step_id: str) -> bool:
        """Whether the step is here, or would be if its module imported."""
        return step_id in self._steps or step_id in self._unavailable

    def __getitem__(self, step_id: str) -> Callable[..., object]:
        return self._steps[step_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)


_registered: list[Registrations] = []


def register_steps(steps: Registrations) -> None:
    """Make the steps known to this process, whichever of its workers takes their runs up."""
    if not any(known is steps for known in _registered):
        _registered.append(steps)


class ProcessSteps:
    """All steps that this process knows."""

    def find(self, step_id: str) -> Callable[..., object]:
        """The step's function, as it was registered last. Raises ``StepNotRegisteredError``."""
        for steps in reversed(_registered):
            if steps.knows(step_id):
                return steps.find(step_id)
        raise StepNotRegisteredError(step_id)

    def knows(self, step_id: str) -> bool:
        """Whether the step is here, or would be if its module imported."""
        return any(steps.knows(step_id) for steps in _registered)


def _why_missing(cause: Exception | None) -> str:
    if cause is not None:
        return f"{cause}: the written package does not fit the code any more; run workflow-build again"
    return (
        "its import is gone from step_registrations.py: did a linter, a formatter or a packager remove what looked "
        "unused? Run workflow-build again, and ship its output whole"
    )


def _is_missing(module: str, error: Exception) -> bool:
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and f"{module}.".startswith(f"{error.name}.")
    return isinstance(error, ImportError) and error.name == module and str(error).startswith("cannot import name")
