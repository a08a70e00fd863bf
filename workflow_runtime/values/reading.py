"""What readers share while one value is decoded, and what a reader is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args, get_origin

from workflow_runtime.events import Json
from workflow_runtime.values.classes import Classes
from workflow_runtime.values.hints import bare, field_hints
from workflow_runtime.values.records import named_class, record_of

_REACH_LIMIT = 1000  # annotations looked through for a class


Reader: TypeAlias = Callable[[Json, "Reading", int], Any]
"""Gives the value for (data, reading, depth), or raises ``Refusal``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One call of ``decode``: which classes are known, the annotation of the whole, and how annotations become readers."""

    classes: Classes
    annotation: Any
    reader_of: Callable[[Any], Reader]

    def find(self, name: str) -> type | None:
        """The class of that name: one that ``classes`` knows, or that the annotation or its classes' fields mention."""
        found = self.classes.find(name)
        if found is not None:
            return found
        for cls in self._reachable():
            if self.classes.name_of(cls) == name:
                return cls
        return None

    def _reachable(self) -> Iterator[type]:
        seen: list[Any] = []
        waiting = [self.annotation]
        while waiting and len(seen) < _REACH_LIMIT:
            hint = bare(waiting.pop())
            if any(hint is other for other in seen):
                continue
            seen.append(hint)
            waiting.extend(get_args(hint))
            cls = get_origin(hint) or hint
            if isinstance(cls, type):
                yield named_class(cls)
                record = record_of(cls)
                if record is not None:
                    waiting.extend(field_hints(record, self.classes).values())
