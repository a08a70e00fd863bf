"""What the search box and the filters ask for, as the world is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from workflow_runtime.project import registered_projects
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

PAGE = 60
"""Runs on one page: they stay below the limit of nodes."""
_LOOKED_AT = 500  # newest runs whose workflows are known by name without their project
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. All of it has to fit."""

    text: str = ""
    """As it stands in the box."""
    status: RunStatus | None = None
    before: str = ""
    prefix: str = ""
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out but by status."""
        return not self.text

    def query(self, **changed: str) -> str:
        """The query of a URL for this search with some of it changed; empty for what is left out."""
        parts = {"q": self.text, "status": self.status or "", "before": self.before, **changed}
        return urlencode({name: value for name, value in parts.items() if value})


def search_of(query: Mapping[str, str]) -> Search:
    """The search that the URL asks for: words with ``=`` are attributes, ``wrun_…`` is how an id begins, any other is a workflow's name."""
    text = query.get("q", "").strip()[:_LONGEST]
    prefix = name = ""
    attributes: dict[str, str] = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if equals:
            attributes |= {key: value} if key else {}
        elif _looks_like_id(word):
            prefix = word if word.startswith("wrun_") else f"wrun_{word}"
        else:
            name = word
    status = query.get("status", "")
    known = RunStatus(status) if status in set(RunStatus) else None
    return Search(text, known, query.get("before", "")[:_LONGEST], prefix, name, attributes)


def _looks_like_id(word: str) -> bool:
    """``wrun_01M8…``, or what the page shows of it."""
    return word.startswith("wrun_") or (len(word) >= 6 and word[0] in "01" and word.isalnum() and word.upper() == word)


async def find(world: World, search: Search, limit: int = PAGE) -> list[RunInfo]:
    """The runs that fit, newest first. Raises ``RunNotFoundError`` when the one that they should be older than is gone."""
    workflows = await workflows_named(world, search.name) if search.name else (None,)
    found: list[RunInfo] = []
    for workflow in workflows:
        found += await world.list_runs(
            status=search.status,
            workflow=workflow,
            attributes=search.attributes or None,
            prefix=search.prefix,
            before=search.before or None,
            limit=limit,
        )
    found.sort(key=lambda run: (run.created_at, run.id), reverse=True)
    return found[:limit]


async def count(world: World, search: Search) -> Mapping[RunStatus, int] | None:
    """How many runs of each status fit; None when the search is for an id, of which there are not many."""
    if search.prefix:
        return None
    workflows = await workflows_named(world, search.name) if search.name else (None,)
    total = dict.fromkeys(RunStatus, 0)
    for workflow in workflows:
        for status, number in (await world.count_runs(workflow=workflow, attributes=search.attributes or None)).items():
            total[status] += number
    return total


async def workflows_named(world: World, name: str) -> Sequence[str]:
    """The ids of the workflows whose name, or id, has that in it, among those that this process and the newest runs know."""
    known = {workflow for project in registered_projects() for workflow in project.workflows}
    known |= {run.workflow for run in await world.list_runs(limit=_LOOKED_AT)}
    exact = sorted(workflow for workflow in known if name in (workflow, name_of(workflow)))
    return exact or sorted(workflow for workflow in known if name.lower() in workflow.lower())
