"""What ``list_runs`` was asked for, in one piece."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workflow_runtime.worlds.base import RunInfo, RunStatus


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are wanted; what is None does not matter."""

    statuses: tuple[RunStatus, ...] | None
    workflow: str | None
    parent: str | None
    attributes: Mapping[str, str]
    before: str | None
    limit: int

    def fits(self, run: RunInfo) -> bool:
        """Whether the run has the wanted status, workflow, parent and attributes."""
        return (
            (self.statuses is None or run.status in self.statuses)
            and self.workflow in (None, run.workflow)
            and self.parent in (None, run.parent)
            and all(run.attributes.get(name) == value for name, value in self.attributes.items())
        )


def wanted(
    status: RunStatus | Collection[RunStatus] | None,
    workflow: str | None,
    parent: str | None,
    attributes: Mapping[str, str] | None,
    before: str | None,
    limit: int,
) -> Wanted:
    """The arguments of ``list_runs`` as they are meant."""
    # A status is a text, and so a collection of its letters.
    statuses = None if status is None else (status,) if isinstance(status, RunStatus) else tuple(status)
    return Wanted(statuses, workflow, parent, dict(attributes or {}), before, max(limit, 0))
