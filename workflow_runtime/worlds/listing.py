"""What ``list_runs`` and ``count_runs`` were asked for, in one piece."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workflow_runtime.worlds.base import RunInfo, RunStatus

_LAST = chr(0x10FFFF)
_FIRST_SURROGATE, _AFTER_SURROGATES = 0xD800, 0xE000  # no text that is stored has one of those in between


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are wanted; what is None does not matter."""

    statuses: tuple[RunStatus, ...] | None
    workflow: str | None
    parent: str | None
    attributes: Mapping[str, str]
    prefix: str
    since: float | None
    until: float | None
    before: str | None
    limit: int

    def fits(self, run: RunInfo) -> bool:
        """Whether the run has the wanted id, status, workflow, parent, attributes and age."""
        return (
            (self.statuses is None or run.status in self.statuses)
            and self.workflow in (None, run.workflow)
            and self.parent in (None, run.parent)
            and run.id.startswith(self.prefix)
            and (self.since is None or run.created_at >= self.since)
            and (self.until is None or run.created_at < self.until)
            and all(run.attributes.get(name) == value for name, value in self.attributes.items())
        )


def wanted(
    status: RunStatus | Collection[RunStatus] | None = None,
    workflow: str | None = None,
    parent: str | None = None,
    attributes: Mapping[str, str] | None = None,
    prefix: str = "",
    since: float | None = None,
    until: float | None = None,
    before: str | None = None,
    limit: int = 100,
) -> Wanted:
    """The arguments of ``list_runs`` as they are meant."""
    # A status is a text, and so a collection of its letters.
    statuses = None if status is None else (status,) if isinstance(status, RunStatus) else tuple(status)
    return Wanted(statuses, workflow, parent, dict(attributes or {}), prefix, since, until, before, max(limit, 0))


def after_prefix(prefix: str) -> str | None:
    """The first text, by code points, that follows all that begin with ``prefix``; None when there is none."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _FIRST_SURROGATE else following)
