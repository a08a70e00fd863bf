"""Handles: values that stand for something in the world, a run or a stream, and say no more than which one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_runtime.events import Json
from workflow_runtime.values.leaves import LEAF_TAGS


@dataclass(frozen=True, slots=True)
class HandleKind:
    """A class of handles, and how one becomes data and comes back."""

    cls: type
    tag: str
    """Its ``$type``."""
    write: Callable[[Any], Mapping[str, Json]]
    """The data of a handle, without the tag."""
    read: Callable[[Mapping[str, Json], Any], object]
    """The handle from its data and the type argument of its annotation: ``Receipt`` for ``Run[Receipt]``, else ``Any``.

    What it raises is told as data that is not valid.
    """


HANDLES: dict[type, HandleKind] = {}
"""By class."""
HANDLES_BY_TAG: dict[str, HandleKind] = {}


def register_handle(kind: HandleKind) -> None:
    """Let values of that class cross. Raises ``ValueError`` when the tag is taken."""
    if kind.tag in LEAF_TAGS or kind.tag in HANDLES_BY_TAG:
        raise ValueError(f"the tag {kind.tag!r} is taken")
    HANDLES[kind.cls] = HANDLES_BY_TAG[kind.tag] = kind
