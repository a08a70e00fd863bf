"""Build: run the stages in their order and give back what happened, as values. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workflow_build import bundle, check, discover, resolve, scan
from workflow_build.emit import emit, emitted_build
from workflow_build.errors import UsageError
from workflow_build.model import Config, Diagnostic, Functions, Routes, Severity
from workflow_build.routes import config_text, read_routes
from workflow_build.write import (
    CONFIG,
    Output,
    compare,
    compare_file,
    read_manifest,
    require_ours,
    retained_bundles,
    write,
    write_config,
)

TIMEOUT = 60.0
"""Seconds that the app may take to be imported and asked."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one build found and did."""

    config: Config
    functions: Functions
    diagnostics: tuple[Diagnostic, ...]
    output: Output = field(default_factory=Output)
    routes: tuple[Routes, ...] = ()
    stopped: bool = False
    """Whether errors in the source kept it from writing anything."""

    @property
    def failed(self) -> bool:
        """Whether an error was found, or, when only checking, something is stale."""
        return bool(self.output.stale) or any(found.severity is Severity.ERROR for found in self.diagnostics)


def build(config: Config, *, only_check: bool = False, with_routes: bool = True, timeout: float = TIMEOUT) -> Result:
    """Compile the project. An error in its source leaves the output as it was; ``only_check`` always does.

    Routes are read after the files are written, since the app imports them; when that fails, ``config.json`` keeps its last good
    content. Raises ``BuildError`` when the build can not go on.
    """
    require_ours(config.out)
    sources = scan.scan(config)
    functions = discover.discover(sources)
    program = resolve.resolve(sources, functions, config)
    findings = _merged(
        (*sources.diagnostics, *functions.diagnostics, *program.diagnostics, *check.check(program, functions))
    )
    if any(found.severity is Severity.ERROR for found in findings):
        return Result(config, functions, findings, stopped=True)
    bundles = bundle.bundle(sources, program, config)
    files = emit(config, functions, bundles, retained_bundles(config.out))
    label = config.out.relative_to(config.project).as_posix()
    output = compare(config.out, files, label) if only_check else write(config.out, files)
    hints = _skipped(config)
    if not with_routes or config.app is None or not config.targets or output.stale:
        return Result(config, functions, (*findings, *(hints if with_routes else ())), output)
    found = _read_all(config, emitted_build(files), timeout)
    findings = _merged((*findings, *(finding for one in found for finding in one.diagnostics)))
    if all(one.routes for one in found):
        output = _with_config(config, output, config_text(config.targets, found), label, only_check=only_check)
    return Result(config, functions, findings, output, found)


def inspect_routes(config: Config, timeout: float = TIMEOUT) -> tuple[Routes, ...]:
    """The routes of what is built already, one entry per target. Writes nothing. Raises ``UsageError`` when nothing is built."""
    if config.app is None:
        raise UsageError("no app was found; name it with --app module:attribute, or `app` under [tool.workflow-build]")
    if not config.targets:
        raise UsageError(
            "no web framework was detected; name one with --target, or `targets` under [tool.workflow-build]"
        )
    manifest = read_manifest(config.out)
    if manifest is None:
        raise UsageError(f"{config.out} holds no build; run workflow-build first")
    return _read_all(config, str(manifest.get("build")), timeout)


def _read_all(config: Config, build_id: str, timeout: float) -> tuple[Routes, ...]:
    return tuple(read_routes(config, target, build_id, timeout) for target in config.targets)


def _with_config(config: Config, output: Output, text: str, label: str, *, only_check: bool) -> Output:
    if only_check:
        stale = compare_file(config.out, CONFIG, text, label)
        return Output(stale=(stale,) if stale else ())
    written = write_config(config.out, text).written
    return Output((*output.written, *written), output.removed)


def _skipped(config: Config) -> tuple[Diagnostic, ...]:
    """Hints about what a build could not do for want of a target or an app."""
    if not config.targets:
        return (
            Diagnostic(
                code="WB514",
                message="no web framework was detected, so no handler module is written",
                hint="name one with --target, or run a worker without a web app",
                severity=Severity.HINT,
            ),
        )
    if config.app is None:
        return (
            Diagnostic(
                code="WB513",
                message="no app was found, so the routes were not read",
                hint="name it with --app module:attribute, or `app` under [tool.workflow-build]",
                severity=Severity.HINT,
            ),
        )
    return ()


def _merged(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each finding once, in the order of the source; those without a place last."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=_place))


def _place(found: Diagnostic) -> tuple[bool, str, int, int, str, str]:
    place = found.location
    path, line, column = (place.path, place.line, place.column) if place else ("", 0, 0)
    return place is None, path, line, column, found.code, found.message
