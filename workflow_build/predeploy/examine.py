"""Predeploy as a whole: the new build, the live runs, and which of them could not go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from workflow_build import scan
from workflow_build.build import Result, build
from workflow_build.dependencies import with_dependencies
from workflow_build.errors import BuildError, UsageError
from workflow_build.model import Config, Severity
from workflow_build.predeploy.judge import Problem, Stock, problems_of
from workflow_build.predeploy.live import list_live, look_at
from workflow_build.predeploy.offered import OfferedStep, offered_steps
from workflow_build.write import retained_bundles
from workflow_build.written_bundles import read_bundle
from workflow_runtime.bundles import Bundle
from workflow_runtime.publishing import SECRET, BundleRefused, verified_bundle
from workflow_runtime.worlds.base import RunInfo, World

Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Given how many runs there are, a context whose value is called as each has been looked at."""


@dataclass(frozen=True, slots=True)
class Endangered:
    """A live run that could not go on under the new build."""

    run: RunInfo
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    live: int
    """How many runs are live."""
    endangered: tuple[Endangered, ...]
    """Newest first."""


def new_steps(config: Config) -> Mapping[str, OfferedStep]:
    """The steps of the build in the output folder, which must be what the source says.

    Raises ``UsageError`` when the project was not built as it stands, ``BuildError`` when it can not be.
    """
    sources = with_dependencies(scan.scan(config), config)
    result = build(config, only_check=True, with_routes=False, sources=sources)
    _require_fresh(result)
    return offered_steps(result.functions, sources)


def _require_fresh(result: Result) -> None:
    errors = [found for found in result.diagnostics if found.severity is Severity.ERROR]
    if errors:
        raise BuildError(f"the project does not build: {errors[0].code} {errors[0].message}; run workflow-build")
    if result.output.stale:
        first = result.output.stale[0]
        raise UsageError(
            f"{result.config.out} is not what the source says ({first.path} {first.reason}); run workflow-build first: "
            "what is judged is what will be deployed"
        )


async def examine(
    config: Config, steps: Mapping[str, OfferedStep], world: World, secret: str, progress: Progress
) -> Verdict:
    """Look at every live run. Raises ``WorldError``."""
    listed = await list_live(world)
    with progress(len(listed)) as done:
        runs = await look_at(world, listed, done)
    bundles = await _bundles(config, world, {run.info.bundle for run in runs}, secret)
    stock = Stock(steps, bundles)
    endangered = [Endangered(run.info, found) for run in runs if (found := problems_of(run, stock))]
    return Verdict(len(runs), tuple(endangered))


async def _bundles(config: Config, world: World, hashes: Collection[str], secret: str) -> Mapping[str, Bundle | str]:
    return {hash_: await _bundle(config, world, hash_, secret) for hash_ in sorted(hashes)}


async def _bundle(config: Config, world: World, bundle_hash: str, secret: str) -> Bundle | str:
    """The bundle as a worker would find it, in the folder or else in the world; or what is wrong."""
    if bundle_hash not in retained_bundles(config.out):
        return await _from_world(world, bundle_hash, secret)
    here = _from_folder(config, bundle_hash)
    if isinstance(here, Bundle):
        return here
    there = await _from_world(world, bundle_hash, secret)
    return there if isinstance(there, Bundle) else here


def _from_folder(config: Config, bundle_hash: str) -> Bundle | str:
    try:
        return read_bundle(config.out, bundle_hash)
    except BuildError as error:
        return str(error)


async def _from_world(world: World, bundle_hash: str, secret: str) -> Bundle | str:
    if not bundle_hash:
        return "it was started by a workflow when no process had its code, so it has no bundle"
    data = await world.bundle(bundle_hash)
    if data is None:
        return f"its bundle {bundle_hash} is neither in the output folder nor in the world"
    if not secret:
        return f"its bundle {bundle_hash} is in the world, but {SECRET} is not set here, so nobody can say whether it is good"
    try:
        return verified_bundle(data, bundle_hash, secret)
    except BundleRefused as refused:
        return f"its bundle {bundle_hash} in the world was refused: {refused}"
