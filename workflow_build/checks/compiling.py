"""What the parser lets pass and the compiler of Python does not: ``return`` outside of a function, ``break`` in an ``except*``, and the like."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import suppress

from workflow_build import rules
from workflow_build.model import Diagnostic, Location
from workflow_build.syntax.source import Parsed, too_deep


def refused_by_python(parsed: Parsed) -> Iterator[Diagnostic]:
    """The finding for a file that could never be imported. Compiling runs nothing of it."""
    path = parsed.file.path
    with warnings.catch_warnings(), suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        warnings.simplefilter("ignore")
        compile(parsed.tree, path, "exec", dont_inherit=True)  # which takes two thirds of compiling the text
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parsed.text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        place = Location(path, max(error.lineno or 1, 1), max(error.offset or 1, 1))
        problem = f"{path} is not valid Python: {error.msg}"
        yield rules.UNREADABLE_SOURCE.at(place, problem=problem, advice="correct it, or exclude the file")
    except (ValueError, RecursionError, MemoryError):
        yield too_deep(parsed.file)
