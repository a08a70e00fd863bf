"""What is said of an exception in its data, and the few names that both directions share."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from typing import Any

STACK_ATTRIBUTE = "_workflow_stack"
"""Where a rebuilt exception keeps the frames of the place that it comes from."""
MESSAGE_ATTRIBUTE = "_workflow_message"
"""Where an exception that stands in for an unknown one keeps the original's text."""
BASES_ATTRIBUTE = "_workflow_bases"
"""Where a stand-in class keeps the names of the original's bases."""

# What built-in exceptions keep outside of their __dict__. AttributeError.obj is left out: it is any live object.
NATIVE_STATE: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (OSError, ("errno", "strerror", "filename", "filename2")),
    (UnicodeDecodeError, ("encoding", "object", "start", "end", "reason")),
    (UnicodeEncodeError, ("encoding", "object", "start", "end", "reason")),
    (UnicodeTranslateError, ("object", "start", "end", "reason")),
    (SyntaxError, ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset")),
    (ImportError, ("msg", "name", "path")),
    (AttributeError, ("name",)),
    (NameError, ("name",)),
    (StopIteration, ("value",)),
    (SystemExit, ("code",)),
)


def stack_note(stack: str) -> str:
    """The note by which a rebuilt exception shows where it was first raised."""
    return f"Traceback (most recent call last), where it was raised:\n{stack}"


def native_state(cls: type[BaseException]) -> dict[str, type[BaseException]]:
    """The names of what ``cls`` keeps outside of its ``__dict__``, each with the class that defines it."""
    return {name: owner for owner, names in NATIVE_STATE if issubclass(cls, owner) for name in names}


def tell_place(error: BaseException, function: Callable[..., Any]) -> None:
    """Have the error's stack end with the function's definition: of an error about what the function gave, in none of its lines."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:  # an object that can be called
        return
    line = linecache.getline(code.co_filename, code.co_firstlineno).strip()
    frame = f'  File "{code.co_filename}", line {code.co_firstlineno}, in {code.co_name}\n'
    setattr(error, STACK_ATTRIBUTE, frame + (f"    {line}\n" if line else ""))
