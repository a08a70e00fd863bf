"""Apps that are named the way of the ``flask`` command: a module or a file, and perhaps an attribute of it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from workflow_build.adapters.base import Clues
from workflow_build.model import SourceFile

ATTRIBUTES = (r"(app)\s*(?::[^=\n]+)?=", r"(application)\s*(?::[^=\n]+)?=", r"def (create_app)\(", r"def (make_app)\(")
"""What is looked for at the top level of a module that is named alone, in this order."""


def named_by(clues: Clues, variable: str) -> str | None:
    """The app that a variable such as ``FLASK_APP`` names, as ``module:attribute``; None when that takes running code to find out."""
    module, _, attribute = clues.environment.get(variable, "").partition(":")
    file = _file(clues, module.strip())
    if file is None:
        return None
    attribute = attribute.strip() or _attribute(file)
    return f"{file.module}:{attribute}" if re.fullmatch(r"[\w.]+(\(\))?", attribute) else None


def _file(clues: Clues, named: str) -> SourceFile | None:
    """The project's file that is named, as a module or by its path."""
    if not named:
        return None
    path = PurePosixPath(named).as_posix()
    places = {path, f"{path}.py", f"{path}/__init__.py"}
    return next((file for file in clues.files if file.module == named or file.path in places), None)


def _attribute(file: SourceFile) -> str:
    text = file.data.decode("utf-8", "replace")
    found = (re.search(rf"^{pattern}", text, re.MULTILINE) for pattern in ATTRIBUTES)
    return next((match[1] for match in found if match), "")
