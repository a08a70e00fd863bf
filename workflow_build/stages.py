"""The stages that touch no disk, in their order: from sources to the text of every file."""

from __future__ import annotations

from workflow_build import bundle, check, discover, resolve
from workflow_build.compiled import Compiled, merged
from workflow_build.dependencies import is_foreign, with_dependencies
from workflow_build.describe import describe
from workflow_build.emit import emit, emitted_build
from workflow_build.ignores import ignores_of
from workflow_build.model import Config, Severity, Sources
from workflow_build.telling import Tell, tell_nobody
from workflow_build.whereabouts import require_right_folder
from workflow_build.write import retained_bundles


def compile_sources(sources: Sources, config: Config, tell: Tell = tell_nobody) -> tuple[Compiled, dict[str, str]]:
    """Find, follow, check, cut and render. Of the output folder only the names of older bundles are looked at.

    The text of every file but ``config.json``, by path; none when the build is stopped by errors in the source.
    """
    tell("checking")
    require_right_folder(sources, config)
    sources = with_dependencies(sources, config)
    functions = discover.discover(sources)
    program = resolve.resolve(sources, functions, config)
    ignores = ignores_of(sources)
    found = (
        *sources.diagnostics,
        *functions.diagnostics,
        *program.diagnostics,
        *check.check(program, functions, sources),
    )
    findings, suppressed = ignores.applied(merged(one for one in found if not is_foreign(one)))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Compiled(functions, findings, suppressed, ignores, stopped=True), {}
    tell("cutting bundles")
    bundles = bundle.bundle(sources, program, config)
    retained = () if config.prune_bundles else retained_bundles(config.out)
    description = describe(sources, functions, program)
    files = emit(config, functions, bundles, retained, description, sources.memory)
    return Compiled(functions, findings, suppressed, ignores, build=emitted_build(files)), files
