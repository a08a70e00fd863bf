"""From plain JSON data to values: by tag where there is one, by annotation where there is none."""

from __future__ import annotations

from typing import Any

from workflow_runtime.errors import SerializationError
from workflow_runtime.events import Json
from workflow_runtime.values.classes import PROCESS_CLASSES, Classes
from workflow_runtime.values.error_decoding import read_error
from workflow_runtime.values.readers import reader_of
from workflow_runtime.values.reading import Reading
from workflow_runtime.values.refusal import Refusal
from workflow_runtime.values.tagged import read_any


def decode(data: Json, annotation: object = Any, classes: Classes = PROCESS_CLASSES, *, where: str = "value") -> Any:
    """The value that ``data`` stands for at a place annotated like that. Raises ``SerializationError`` with the path.

    What is tagged comes back as what it was. What is not tagged and does not fit the annotation is given as it is.
    """
    reading = Reading(classes, annotation, reader_of)
    try:
        return reader_of(annotation)(data, reading, 0)
    except Refusal as refusal:
        raise refusal.error(where) from refusal.__cause__
    except RecursionError:
        raise SerializationError(f"{where}: nested too deep for the stack that is left") from None


def decode_error(data: Json, classes: Classes = PROCESS_CLASSES) -> BaseException:
    """The exception that ``data`` describes: of its own class where that is known, else of a class of the same name.

    Classes that are no ``Exception`` (``SystemExit``) come back as such a class too, so that raising the result never ends the process. Raises
    ``SerializationError`` when the data describes no exception.
    """
    reading = Reading(classes, Any, reader_of)
    try:
        return read_error(data, classes, lambda part, depth: read_any(part, reading, depth))
    except Refusal as refusal:
        raise refusal.error("error") from refusal.__cause__
    except RecursionError:
        raise SerializationError("error: nested too deep for the stack that is left") from None
