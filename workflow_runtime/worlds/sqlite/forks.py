"""Files that a process must not open, since one that it was forked from has them open.

SQLite keeps account of a file's locks per process. A fork inherits that account, and it is wrong there: closing any handle on the file drops
the locks of the others in that process, and writes of parent or child could get lost.
"""

from __future__ import annotations

import os
from pathlib import Path

from workflow_runtime.errors import WorldError

ADVICE = (
    "SQLite does not stand that: fork first and open the world afterwards, in the children only or in each for itself, or start the "
    "other process afresh (subprocess, or multiprocessing with 'spawn') instead of forking it. With gunicorn's --preload, let nothing "
    "start runs or workers while the app is imported"
)
"""What to do instead of opening a world and then forking."""

_opened: dict[object, tuple[int, Path]] = {}
"""Who has a file open -> the process that opened it, and the file. No lock guards it: a fork could inherit the lock as taken."""


def note_opened(holder: object, path: Path) -> None:
    """Note that this process has ``path`` open, until ``note_closed``."""
    _opened[holder] = (os.getpid(), path)


def note_closed(holder: object) -> None:
    """Note that ``holder`` has closed its file. What a parent has open stays noted: its handles came along."""
    if holder in _opened and _opened[holder][0] == os.getpid():
        del _opened[holder]


def require_no_parent_has(path: Path) -> None:
    """Raise ``WorldError`` when a process that this one was forked from has ``path`` open."""
    here = os.getpid()
    parent = next((pid for pid, opened in list(_opened.values()) if pid != here and opened == path), None)
    if parent is not None:
        raise WorldError(f"process {here} was forked from process {parent}, which has {path} open; {ADVICE}")
