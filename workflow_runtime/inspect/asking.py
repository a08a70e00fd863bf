"""Which runs are meant: filters, and ids by their beginnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workflow_runtime.durations import seconds
from workflow_runtime.errors import RunNotFoundError, WorkflowError
from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.types import RunInfo, RunStatus

_PAGE = 200
_LOOKED_AT = 20_000
"""How many runs are looked at for those of a workflow that is named without its module."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs to show, as ``World.list_runs`` has it."""

    status: Sequence[RunStatus] | None = None
    workflow: str | None = None
    """The workflow's id, or its own name."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    since: float | None = None
    until: float | None = None
    before: str | None = None
    limit: int = 25


async def find_runs(world: World, wanted: Filter) -> tuple[list[RunInfo], str | None]:
    """The runs, newest first, and what ``before`` has to be for those that follow; None when there are no more.

    Raises ``RunNotFoundError`` when ``before`` is not there.
    """
    found: list[RunInfo] = []
    before, looked_at = wanted.before, 0
    named = wanted.workflow is not None and "//" not in wanted.workflow
    while len(found) <= wanted.limit and looked_at < _LOOKED_AT:
        size = _PAGE if named else wanted.limit + 1 - len(found)
        page = await world.list_runs(
            status=wanted.status,
            workflow=None if named else wanted.workflow,
            parent=wanted.parent,
            attributes=wanted.attributes or None,
            since=wanted.since,
            until=wanted.until,
            before=before,
            limit=size,
        )
        found += [run for run in page if not named or name_of(run.workflow) == wanted.workflow]
        if len(page) < size:
            break
        before, looked_at = page[-1].id, looked_at + len(page)
    more = len(found) > wanted.limit
    return found[: wanted.limit], found[wanted.limit - 1].id if more else None


async def find_id(world: World, text: str) -> str:
    """The id of the run that is meant: a whole id, or a beginning that only one run has, with or without ``wrun_``.

    Of a run that was retried, a beginning means the last of its retries. Raises ``RunNotFoundError``, and ``WorkflowError`` when several fit.
    """
    head, _, number = text.strip().partition("…")
    if not number.strip():
        try:
            return (await world.load(head, after=2**62)).run.id
        except RunNotFoundError:
            pass
    prefixes = [head] if head.startswith("wrun_") else [f"wrun_{head}", head]
    for prefix in prefixes if head else ():
        found = await world.list_runs(prefix=prefix, limit=_SHOWN + 1)
        if number:
            found = [run for run in found if run.id.endswith(number)]
        origins = {run.id.partition("-")[0] for run in found}
        if len(origins) == 1:
            return max(found, key=lambda run: (len(run.id), run.id)).id
        if found:
            ids = "\n".join(
                f"  {shortened(run.id, 100)}  {shortened(name_of(run.workflow), 100)}  {run.status}"
                for run in found[:_SHOWN]
            )
            more = "\n  …" if len(found) > _SHOWN else ""
            raise WorkflowError(f"the ids of several runs begin with {prefix}; write more of it:\n{ids}{more}")
    raise RunNotFoundError(text)


def read_time(text: str, now: float) -> float:
    """The time that was meant, unix seconds: ``2 hours`` (ago), ``2026-11-22``, ``2026-11-22T09:25``; a time without a zone is the machine's.

    Raises ``ValueError``.
    """
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        pass
    try:
        return now - seconds(text.removesuffix(" ago"))
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; write 2026-11-22T09:25, 2026-11-22, or how long ago, as in '2 hours'"
        ) from None


def read_attribute(text: str) -> tuple[str, str]:
    """Name and value of ``name=value``. Raises ``ValueError``."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is no attribute; write name=value")
    return name, value


def read_statuses(text: str) -> list[RunStatus]:
    """The statuses in ``failed`` or ``failed,cancelled``. Raises ``ValueError``."""
    try:
        return [RunStatus(part.strip()) for part in text.split(",")]
    except ValueError:
        known = ", ".join(RunStatus)
        raise ValueError(f"{text!r} is no status; it may be {known}, or several with commas") from None
