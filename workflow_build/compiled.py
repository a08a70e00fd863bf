"""What the stages that touch no disk make of a project, apart from the text of the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workflow_build.ignores import Ignores, Suppressed
from workflow_build.model import Diagnostic, Functions


@dataclass(frozen=True, slots=True)
class Compiled:
    """What was found, and whether it can be written."""

    functions: Functions
    findings: tuple[Diagnostic, ...]
    suppressed: tuple[Suppressed, ...]
    ignores: Ignores
    stopped: bool = False
    """Whether errors in the source stand in the way of writing anything."""
    build: str = ""
    """The id in the manifest."""


def merged(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each finding once, in the order of the source; those without a place last."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=_place))


def _place(found: Diagnostic) -> tuple[bool, str, int, int, str, str]:
    place = found.location
    path, line, column = (place.path, place.line, place.column) if place else ("", 0, 0)
    return place is None, path, line, column, found.code, found.message
