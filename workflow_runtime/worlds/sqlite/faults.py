"""What SQLite's errors mean for the person who has to do something about them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from workflow_runtime.errors import WorldError

UNWRITABLE = "the file can not be written; let this user write the file and its folder"
# By the start of SQLite's own name of the error, so that SQLITE_IOERR_WRITE is found under SQLITE_IOERR.
_ADVICE: Mapping[str, str] = {
    "SQLITE_BUSY": "another process holds the file locked; find it (`fuser` names it), and end its transaction",
    "SQLITE_LOCKED": "another connection holds a table locked; end its transaction",
    "SQLITE_FULL": "the disk is full; make room and go on, nothing that was acknowledged is lost",
    "SQLITE_IOERR": "the disk refuses to read or write; look at its space, quota and health, and whether it may be written, then go on",
    "SQLITE_READONLY": UNWRITABLE,
    "SQLITE_PERM": UNWRITABLE,
    "SQLITE_CANTOPEN": "it can not be opened as a file; check the path, and that this user may write its folder",
    "SQLITE_NOTADB": "it is not a SQLite database; choose another path in WORKFLOW_WORLD, or move the file away",
    "SQLITE_CORRUPT": "the database is damaged; stop all processes and restore it from a backup",
}

_NOT_TEXT = "Could not decode to UTF-8"  # how Python's sqlite3 begins, which has no name for this error


def explain(error: Exception, path: Path) -> WorldError:
    """``error`` as a ``WorldError`` that says which file it is about and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    advice = next((text for start, text in _ADVICE.items() if name.startswith(start)), "")
    what = str(error) if isinstance(error, sqlite3.Error) else f"{type(error).__name__}: {error}"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) or what.startswith(_NOT_TEXT):
        what, advice = f"what it holds is not what was written: {error}", _ADVICE["SQLITE_CORRUPT"]
    return WorldError(
        f"SQLite world {path}: {what}" + (f" ({name})" if name else "") + (f"; {advice}" if advice else "")
    )
