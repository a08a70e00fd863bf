"""What passes between the stages: frozen values, no behaviour beyond simple look-ups.

Config ─ scan ─▶ Sources ─ discover ─▶ Functions ─ resolve ─▶ Program ─ check ─▶ Diagnostics
                                                        └─ bundle ─▶ Bundles ─ emit ─▶ {path: text} ─ write ─▶ Output ─ routes ─▶ Routes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from workflow_build.cache.memory import Memory

if TYPE_CHECKING:
    from workflow_runtime.bundles import Bundle  # it brings the whole runtime, which most commands go without


class Severity(StrEnum):
    """How bad a finding is. Only ERROR fails a build."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a user's file. Lines and columns are 1-based; columns count characters; the end is exclusive."""

    path: str
    """Relative to the project root, with forward slashes."""
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, what to do. ``trail`` is the call path that leads there, outermost first."""

    code: str
    message: str
    hint: str
    location: Location | None = None
    severity: Severity = Severity.ERROR
    trail: tuple[str, ...] = ()
    flow: tuple[Location, ...] = ()
    """Where the functions of a call path are defined; empty when ``trail`` is none, or not known."""


@dataclass(frozen=True, slots=True)
class Config:
    """A build's settings, each resolved: flags over ``[tool.workflow-build]`` over what was detected."""

    project: Path
    """The absolute project root: where pyproject.toml is."""
    roots: tuple[Path, ...]
    """Absolute folders that hold top-level modules: what goes on ``sys.path``."""
    out: Path
    """Absolute output folder, an importable package inside one of the roots."""
    targets: tuple[str, ...]
    app: str | None = None
    """``module:attribute`` of the app, or of a factory when it ends in ``()``."""
    other_apps: tuple[str, ...] = ()
    """Apps of other frameworks that might be meant as well, as people read them: ``main:app (FastAPI)``."""
    pure: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """Installed packages that may bring steps and workflows: what the project depends on, unless the configuration says not to look."""
    prune_bundles: bool = False
    """Whether the bundles of earlier builds go."""
    out_is_named: bool = True
    """Whether the output folder was named, and not detected."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One Python file of the project."""

    path: str
    """Relative to the project root, with forward slashes."""
    module: str
    is_package: bool
    data: bytes
    candidate: bool
    """Whether its bytes can hold a marker."""
    digest: str = ""
    """Tells its bytes from all others."""
    results: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """What was found out from it alone, kept while a build lasts so that no stage works it out again."""
    facts: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """The same, for what takes so little memory that it is kept as long as the file does not change."""


@dataclass(frozen=True, slots=True)
class Sources:
    """All Python files under the roots, sorted by path, the output folder left out."""

    files: tuple[SourceFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    """What earlier builds found out; none, by default."""
    results: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """What was found out from them alone, kept like that of each file."""


class FunctionKind(StrEnum):
    """What a marked function is."""

    WORKFLOW = "workflow"
    STEP = "step"


class Binding(StrEnum):
    """How a marked function is reached from its module."""

    FUNCTION = "function"
    STATIC = "static method"
    CLASS = "class method"
    INSTANCE = "method"
    NESTED = "nested function"


@dataclass(frozen=True, slots=True)
class Function:
    """One marked function."""

    kind: FunctionKind
    module: str
    qualname: str
    location: Location
    """The ``def`` with its name."""
    is_async: bool
    parameters: tuple[str, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    """Decorator arguments that are literals. The runtime reads the real ones, unless the function is nested."""
    binding: Binding = Binding.FUNCTION
    captured: tuple[str, ...] = ()
    """For a nested function: the variables of the functions around it that it reads, sorted."""
    also: tuple[Location, ...] = ()
    """Its other definitions, when it has one in each branch of an ``if`` or the like."""
    retry: str = ""
    """Its retry policy as Python text over the runtime's own names; empty when it has none, or one that reading can not tell."""
    id: str = field(init=False, compare=False)
    """``step//shop.payments//charge``: stable while module and name are."""

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines of all its definitions."""
        return (self.location.line, *(place.line for place in self.also))

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", f"{self.kind}//{self.module}//{self.qualname}")


@dataclass(frozen=True, slots=True)
class Functions:
    """All marked functions, sorted by id."""

    functions: tuple[Function, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def workflows(self) -> tuple[Function, ...]:
        """The workflows among them."""
        return tuple(f for f in self.functions if f.kind is FunctionKind.WORKFLOW)

    @property
    def steps(self) -> tuple[Function, ...]:
        """The steps among them."""
        return tuple(f for f in self.functions if f.kind is FunctionKind.STEP)


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """A top-level statement that a workflow reaches. Statements joined by ``;`` count one by one."""

    index: int
    """Its position among the module's top-level statements, from 0."""
    names: tuple[str, ...] | None = None
    """For an import: the names that stay, sorted (those a star gives, for a star). None: the whole statement stays."""
    is_stub: bool = False
    """Whether it is a workflow of which only the signature stays, since this workflow starts it, or looks for its runs, and does not run it."""


@dataclass(frozen=True, slots=True)
class ReachedModule:
    """A module that a workflow reaches. One with no kept statements is there because something in it is, as packages are."""

    name: str
    path: str
    """Relative to the project root, with forward slashes. The folder, for a package without ``__init__.py``."""
    is_package: bool
    text: str
    """The whole source as decoded, every newline as one newline character."""
    statements: tuple[KeptStatement, ...]
    """Sorted by index."""


@dataclass(frozen=True, slots=True, order=True)
class ExternalUse:
    """A use, in code that a workflow runs, of a name from outside the project."""

    name: str
    """Dotted and absolute: ``requests.get``, ``builtins.open``."""
    module: str
    """The module it was imported from: ``requests``, ``builtins``."""
    location: Location
    trail: tuple[str, ...]
    """The call path to it, outermost first: ``("checkout", "price")``."""


@dataclass(frozen=True, slots=True)
class WorkflowClosure:
    """A workflow and all that it reaches."""

    function: Function
    modules: tuple[ReachedModule, ...]
    """Sorted by name."""
    steps: tuple[Function, ...]
    """The steps that it reaches, sorted by id."""
    uses: tuple[ExternalUse, ...]
    """Sorted; one per name and place."""


@dataclass(frozen=True, slots=True)
class Program:
    """All workflows, each with what it reaches, sorted by id."""

    workflows: tuple[WorkflowClosure, ...]
    pure: tuple[str, ...] = ()
    """What the user declares pure, sorted."""
    roots: tuple[str, ...] = ()
    """Where was looked, relative to the project root where they are inside of it."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Reached files that can not be read as Python."""


@dataclass(frozen=True, slots=True)
class BuiltWorkflow:
    """A workflow with its bundle and the ids of the steps that it reaches, sorted."""

    function: Function
    bundle: Bundle
    steps: tuple[str, ...]
    hash: str
    """Of the bundle."""


@dataclass(frozen=True, slots=True)
class Bundles:
    """All workflows as compiled, sorted by id."""

    workflows: tuple[BuiltWorkflow, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One of our routes, as the framework itself reports it."""

    kind: str
    """``flow``, ``health``, ``manifest`` or ``webhook``."""
    path: str
    """The whole path as a client sends it, prefixes and root path included."""
    methods: tuple[str, ...]
    """Sorted; empty for any method."""
    source: str
    """Where in the framework it was read, as in ``fastapi.routing.iter_route_contexts``."""
    host: str | None = None
    confirmed: bool = False
    """Whether a request through the app's own stack reached it."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What the framework reported for one target."""

    target: str
    routes: tuple[Route, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[str, ...] = field(default=(), compare=False)
    """The project's files that the app imports, relative to the project root. Empty when the app can not be imported."""
