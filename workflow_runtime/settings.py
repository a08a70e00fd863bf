"""Settings as the environment gives them: text, which has to mean something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from workflow_runtime.durations import seconds
from workflow_runtime.errors import WorkflowError

T = TypeVar("T")


def setting(environment: Mapping[str, str], name: str, parse: Callable[[str], T], default: T) -> T:
    """What the variable ``name`` says, the default when it is empty or not there. Raises ``WorkflowError``, which names it, when ``parse``
    raises ``ValueError``.
    """
    text = environment.get(name)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise WorkflowError(f"{name} is {text!r}: {error}") from error


def count(text: str) -> int:
    """A whole number from 1 on. Raises ``ValueError`` for any other text."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ValueError("give a whole number from 1 on")
    return int(text)


def length_of_time(text: str) -> float:
    """Seconds, for a plain number or for text as in ``2 min``. Raises ``ValueError``."""
    return float(text) if text.replace(".", "", 1).isdigit() else seconds(text)
