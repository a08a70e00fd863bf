"""Which tool this is: what one version has found out is nothing to another."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISDIR

PACKAGES = ("workflow_build", "workflow_runtime")
LIBRARIES = ("libcst", "jinja2")
"""Other packages whose version shows in what is written."""

INSTALLED = ("site-packages", "dist-packages")
"""Names of the folders that packages, adapters among them, are installed to."""


def tool_fingerprint() -> str:
    """Changes with the code of this tool, the interpreter, and whatever is installed beside it.

    Files are told apart by size and time, not by content: it is asked for in each build. An installation changes the time of the
    folder that it goes to, so adapters and libraries need not be looked up.
    """
    parts = [sys.version, *_stamps()]
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]


def _stamps() -> Iterator[str]:
    yield from (_stamp(entry) for entry in sys.path if Path(entry).name in INSTALLED)
    for name in LIBRARIES:
        spec = find_spec(name)
        yield _stamp(str(spec.origin)) if spec else name
    for name in PACKAGES:
        spec = find_spec(name)
        folder = os.fspath(Path(str(spec.origin)).parent) if spec else name
        yield from _tree(folder)


def _tree(folder: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _tree(entry.path)
        elif entry.name.endswith((".py", ".jinja")):
            yield _stamp(entry.path)


def _stamp(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116 a Path for each file would take longer than asking
    except OSError:
        return path
    return f"{path} {0 if S_ISDIR(found.st_mode) else found.st_size} {found.st_mtime_ns}"
