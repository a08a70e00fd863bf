"""What a live run needs, held against what the new build has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflow_build.predeploy.called import called_steps
from workflow_build.predeploy.live import LiveRun
from workflow_build.predeploy.offered import OfferedStep
from workflow_runtime.bundles import Bundle

PUBLISH = (
    "run workflow-build publish from the commit that these runs started with, or restore the bundle's file in the output "
    "folder and build again; else let the runs end, or cancel them"
)
KEEP = "keep the function under this name, in this module, until these runs have ended"
COMPATIBLE = (
    "keep the parameters, and give new ones defaults; or leave this step as it was, and give the new one another name"
)
OURS = "step//workflow_runtime//"
"""Steps that the runtime brings itself."""


class Kind(StrEnum):
    """What is wrong."""

    BUNDLE = "bundle"
    STEP = "step"
    PARAMETERS = "parameters"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a run could not go on, and what to do."""

    kind: Kind
    subject: str
    """The bundle's hash, or the step's id."""
    why: str
    advice: str


@dataclass(frozen=True, slots=True)
class Stock:
    """What the new build has for live runs."""

    steps: Mapping[str, OfferedStep]
    bundles: Mapping[str, Bundle | str]
    """Each bundle that a live run needs, or why it can not be had."""


def problems_of(run: LiveRun, stock: Stock) -> tuple[Problem, ...]:
    """All that keeps the run from going on under the new build, each reason once."""
    return tuple(dict.fromkeys((*bundle_problems(run.info.bundle, stock), *_call_problems(run, stock))))


def bundle_problems(bundle_hash: str, stock: Stock) -> Iterator[Problem]:
    """What is wrong for all runs of that bundle."""
    bundle = stock.bundles[bundle_hash]
    if isinstance(bundle, str):
        yield Problem(Kind.BUNDLE, bundle_hash, bundle, PUBLISH)
        return
    for step in called_steps(bundle):
        if step.id.startswith(OURS):
            continue
        offered = stock.steps.get(step.id)
        if offered is None:
            why = f"{step.id} is gone, and the code that the run started with can call it"
            yield Problem(Kind.STEP, step.id, why, KEEP)
        elif changed := offered.change(step):
            why = f"{step.id} takes other parameters than the code that the run started with gives it: {changed}"
            yield Problem(Kind.PARAMETERS, step.id, why, COMPATIBLE)


def _call_problems(run: LiveRun, stock: Stock) -> Iterator[Problem]:
    """What is wrong with the calls that the run has made and that still have no outcome."""
    for call in run.calls:
        if call.step.startswith(OURS):
            continue
        offered = stock.steps.get(call.step)
        if offered is None:
            yield Problem(Kind.STEP, call.step, f"{call.step} is gone, and the run has a call of it open", KEEP)
        elif misfit := offered.misfit(call):
            why = f"{call.step} takes other parameters than a call that the run has open gives it: {misfit}"
            yield Problem(Kind.PARAMETERS, call.step, why, COMPATIBLE)
