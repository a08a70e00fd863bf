"""What Postgres's errors mean: whether to try again, and what a person has to do about them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import asyncpg

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import UnstorableError

FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What comes when a server says no, or is not there any more; asyncpg calls it an error of its own when that happens in the middle of a word."""

# By the start of the SQLSTATE, the longest that fits.
_ADVICE: Mapping[str, str] = {
    "28": "check user, password and database in WORKFLOW_WORLD, and the server's pg_hba.conf",
    "3D": "create the database first, or name another one in WORKFLOW_WORLD",
    "42501": "docs/postgres.md lists the privileges that a worker and a migration need",
    "3F": "run `python -m workflow_runtime migrate` as a user who may create it",
    "42P01": "run `python -m workflow_runtime migrate`",
    "42883": "run `python -m workflow_runtime migrate`",
    "53300": "raise max_connections of the server, lower ?connections= in WORKFLOW_WORLD, or put a pooler between",
    "53100": "the server's disk is full; make room and go on, nothing that was acknowledged is lost",
    "25006": "it is a standby; name the primary, or all hosts and ?target_session_attrs=read-write",
    "26000": "add ?pooler=transaction to WORKFLOW_WORLD when a pooler stands between",
    "42P05": "add ?pooler=transaction to WORKFLOW_WORLD when a pooler stands between",
}
_NO_CONNECTION = "see that the server runs, that it can be reached from here, and that WORKFLOW_WORLD names it"
_BAD_CERTIFICATE = "see that ?sslrootcert= names who signed the server's certificate, or choose another ?sslmode="
# What was not even begun, or was rolled back whole.
_ROLLED_BACK = ("40001", "40P01", "55P03", "57P03", "53300", "25006")


def connection_lost(error: BaseException) -> bool:
    """Whether the connection broke, so that nobody knows what became of what was asked."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate is not None and (error.sqlstate.startswith(("08", "57P")) and error.sqlstate != "57P03")
    if isinstance(error, ValueError):  # it was not even sent
        return False
    return isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | TimeoutError)


def rolled_back(error: BaseException) -> bool:
    """Whether nothing was done, and the same may work the next time."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _ROLLED_BACK


def explain(error: BaseException, where: str) -> WorldError:
    """``error`` as a ``WorldError`` that says which world it is about and what to do."""
    if isinstance(error, WorldError):
        return error
    said = str(error).partition("\n")[0]  # asyncpg appends hints of its own
    if isinstance(error, ValueError) and isinstance(error, asyncpg.InterfaceError):
        return UnstorableError(f"{where}: {error}")
    if isinstance(error, ssl.SSLError):
        return WorldError(f"{where}: no TLS: {error.reason or error}; {_BAD_CERTIFICATE}")
    if not isinstance(error, asyncpg.PostgresError):
        return WorldError(f"{where}: {type(error).__name__}: {said}; {_NO_CONNECTION}")
    state = error.sqlstate or ""
    if state == "54000":
        return UnstorableError(f"{where}: {said}; an id or a key is too long for an index, some 2,600 bytes at most")
    advice = max((start for start in _ADVICE if state.startswith(start)), key=len, default="")
    return WorldError(f"{where}: {said} ({state})" + (f"; {_ADVICE[advice]}" if advice else ""))
