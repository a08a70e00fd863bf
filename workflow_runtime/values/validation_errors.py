"""pydantic's ``ValidationError``, which keeps what it says outside of Python: as data, and made anew from it.

Nothing here imports pydantic: an error of its can only exist when it is imported already, and is known only where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow_runtime.events import Json
from workflow_runtime.values.records import library_class

_LINES_LIMIT = 100


def is_validation_error(cls: type) -> bool:
    """Whether it is pydantic's class."""
    return cls is library_class("pydantic_core", "ValidationError")


def written_lines(error: Any, part: Callable[[object], Json]) -> dict[str, Json]:
    """The error's title and what it says of each place; ``part`` writes one value, or its text."""
    lines: list[Json] = []
    for line in error.errors(include_url=False)[:_LINES_LIMIT]:
        context = {name: part(value) for name, value in line.get("ctx", {}).items()}
        lines.append({**line, "loc": list(line["loc"]), "input": part(line["input"]), "ctx": context})
    return {"title": error.title, "lines": lines}


def rebuilt(name: str, data: Json, read: Callable[[Json], Any]) -> BaseException | None:
    """The error that the data describes, whose class has that name; None when it describes none of pydantic's.

    Workflow code gets it too: the class is not the project's, so it is the same there and in the process.
    """
    cls = library_class("pydantic_core", "ValidationError")
    if cls is None or name != f"{cls.__module__}.{cls.__qualname__}" or not isinstance(data, dict):
        return None
    try:
        error: BaseException = cls.from_exception_data(data["title"], [_line(line, read) for line in data["lines"]])
    except Exception:  # noqa: BLE001 - data of another version of pydantic, or damaged; there is a next best way
        return None
    return error


def _line(line: Mapping[str, Any], read: Callable[[Json], Any]) -> dict[str, Any]:
    found = {"loc": tuple(line["loc"]), "input": read(line["input"])}
    context = {name: read(value) for name, value in line["ctx"].items()}
    try:
        library_class("pydantic_core", "PydanticKnownError")(line["type"], context or None)
    except (KeyError, TypeError, ValueError):  # not of this pydantic's own; without a context, the text is no template
        return {**found, "type": library_class("pydantic_core", "PydanticCustomError")(line["type"], line["msg"])}
    return {**found, "type": line["type"], **({"ctx": context} if context else {})}
