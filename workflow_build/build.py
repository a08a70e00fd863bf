"""Build: run the stages in their order and give back what happened, as values. Prints nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workflow_build.adapters import load_adapter
from workflow_build.compiled import Compiled, merged
from workflow_build.errors import UsageError
from workflow_build.ignores import Suppressed
from workflow_build.model import Config, Diagnostic, Functions, Routes, Severity, Sources
from workflow_build.rules.routes import NO_APP, NO_TARGET
from workflow_build.telling import Tell, tell_nobody
from workflow_build.whereabouts import several_packages
from workflow_build.write import (
    CONFIG,
    MANIFEST,
    Output,
    compare,
    compare_file,
    read_manifest,
    require_ours,
    write,
    write_config,
)

if TYPE_CHECKING:
    import threading

    from workflow_build.routes import Before
    from workflow_build.write import Written

TIMEOUT = 60.0
"""Seconds that the app may take to be imported and asked."""


@dataclass(frozen=True, slots=True)
class Options:
    """How far a build goes."""

    only_check: bool = False
    """Write nothing, and say what would be written."""
    with_routes: bool = True
    timeout: float = TIMEOUT
    tell: Tell = tell_nobody
    """Is called with what the build is at, as each part of it begins."""
    written: Written | None = None
    """What this process has written before."""
    stop: threading.Event | None = None
    """Set by another thread, it ends the reading of routes."""


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
    suppressed: tuple[Suppressed, ...] = ()
    """Findings that comments ignore."""

    @property
    def failed(self) -> bool:
        """Whether an error was found, or, when only checking, something is stale."""
        return bool(self.output.stale) or any(found.severity is Severity.ERROR for found in self.diagnostics)


def build(
    config: Config,
    *,
    only_check: bool = False,
    with_routes: bool = True,
    timeout: float = TIMEOUT,
    sources: Sources | None = None,
) -> Result:
    """Compile the project, from ``sources`` if they are read already. An error in its source leaves the output as it was; ``only_check`` always does.

    Routes are read after the files are written, since the app imports them; when that fails, ``config.json`` keeps its last good
    content. Raises ``BuildError`` when the build can not go on.
    """
    from workflow_build.scan import (
        scan,
    )  # these bring the whole compiler, which a build with nothing to do goes without
    from workflow_build.stages import compile_sources

    require_ours(config.out)
    compiled, files = compile_sources(scan(config) if sources is None else sources, config)
    return finish(config, compiled, files, Options(only_check, with_routes, timeout))


def finish(config: Config, compiled: Compiled, files: Mapping[str, str] | None, options: Options) -> Result:
    """Bring what was compiled to disk, or compare it with what is there, and read the routes. Without ``files`` the disk has them."""
    output = Output()
    if files is not None and not compiled.stopped:
        prune = config.prune_bundles
        if options.only_check:
            output = compare(config.out, _but_for_what_is_told(config, files), _label(config), prune=prune)
        else:
            output = write(config.out, files, prune=prune, written=options.written)
    result = Result(config, compiled.functions, compiled.findings, output, (), compiled.stopped, compiled.suppressed)
    if not compiled.stopped:
        more = several_packages(config, compiled.functions)
        result = replace(result, diagnostics=(*result.diagnostics, *more))
        if options.with_routes:
            result = _routed(result, compiled, options)
    problems = compiled.ignores.problems(result.suppressed, with_routes=bool(result.routes))
    return replace(result, diagnostics=merged((*result.diagnostics, *problems)))


def _routed(result: Result, compiled: Compiled, options: Options) -> Result:
    """The result with the routes of the app, if one is known. The app imports what is on disk, so that must be this build's."""
    config, output = result.config, result.output
    if config.app is None or not _with_routes(config) or output.stale:
        return replace(result, diagnostics=(*result.diagnostics, *_skipped(config)))
    from workflow_build.routes import CHECKED, WRITTEN, config_text

    options.tell("reading the app's routes")
    found = _read_all(config, compiled.build, options, CHECKED if options.only_check else WRITTEN)
    more, ignored = compiled.ignores.applied(finding for one in found for finding in one.diagnostics)
    if all(one.routes for one in found):
        output = _with_config(config, output, config_text(config.targets, found), only_check=options.only_check)
    return replace(
        result,
        diagnostics=(*result.diagnostics, *more),
        output=output,
        routes=found,
        suppressed=(*result.suppressed, *ignored),
    )


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
    from workflow_build.routes import NOTHING

    return _read_all(config, str(manifest.get("build")), Options(timeout=timeout), NOTHING)


def _read_all(config: Config, build_id: str, options: Options, before: Before) -> tuple[Routes, ...]:
    from workflow_build.routes import read_routes

    return tuple(
        read_routes(config, target, build_id, options.timeout, before, options.stop) for target in _with_routes(config)
    )


def _with_routes(config: Config) -> tuple[str, ...]:
    """The targets whose handler modules have routes."""
    return tuple(target for target in config.targets if load_adapter(target).has_routes)


def _but_for_what_is_told(config: Config, files: Mapping[str, str]) -> Mapping[str, str]:
    """The files, with the manifest as it stands on disk if it is as good: editing the body of a step makes nothing stale."""
    from workflow_build.manifest import says_the_same

    try:
        before = (config.out / MANIFEST).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return files
    return {**files, MANIFEST: before} if says_the_same(before, files[MANIFEST]) else files


def _label(config: Config) -> str:
    return config.out.relative_to(config.project).as_posix()


def _with_config(config: Config, output: Output, text: str, *, only_check: bool) -> Output:
    if only_check:
        stale = compare_file(config.out, CONFIG, text, _label(config))
        return Output(stale=(stale,) if stale else ())
    written = write_config(config.out, text).written
    return Output((*output.written, *written), output.removed)


def _skipped(config: Config) -> tuple[Diagnostic, ...]:
    """Hints about what a build could not do for want of a target or an app."""
    if not config.targets:
        return (NO_TARGET.at(None),)
    return (NO_APP.at(None),) if config.app is None and _with_routes(config) else ()
