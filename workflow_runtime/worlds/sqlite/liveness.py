"""Who lives: each worker holds an operating system lock on a little file of its own for as long as it lives.

The system lets go of the lock when the process ends, however it ends, so a claim needs no time limit and no heartbeat.
POSIX record locks are not inherited by a fork, which is what we want, but they are the process's: closing any handle on the file drops the
lock. That is why the ids that live in this process are known to it, and their files are never touched from here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, *, shared: bool) -> None:
        # It knows no shared locks: two probes may take each other for the owner, until one of them looks again.
        msvcrt.locking(handle, msvcrt.LK_NBRLCK if shared else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int, *, shared: bool) -> None:
        # Probes share their lock, so that two of them do not take each other for the owner.
        fcntl.lockf(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


_TRIES, _PAUSE = 100, 0.001  # seconds
_here: dict[int, set[str]] = {}  # process id -> the workers that live in it; a forked child starts without any


def _in_this_process() -> set[str]:
    return _here.setdefault(os.getpid(), set())


class Worker:
    """This worker's own lock. ``id`` is new each time, and never used again."""

    def __init__(self, folder: Path) -> None:
        self.id = uuid.uuid4().hex
        self._path = folder / self.id
        folder.mkdir(parents=True, exist_ok=True)
        _in_this_process().add(self.id)
        try:
            self._handle = self._take()
        except OSError:
            _in_this_process().discard(self.id)
            raise

    def leave(self, *, remove: bool) -> None:
        """Be dead from now on, as far as the others can tell; ``remove`` the file too, when nothing is claimed under the id."""
        os.close(self._handle)
        _in_this_process().discard(self.id)
        if remove:
            _remove(self._path)

    def _take(self) -> int:
        for _ in range(_TRIES):
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            # Somebody who sweeps may hold our file for a moment, or have removed it before we had the lock.
            with contextlib.suppress(BlockingIOError, PermissionError, FileNotFoundError):
                _lock(handle, shared=False)
                if os.path.samestat(os.fstat(handle), self._path.stat()):
                    return handle
            os.close(handle)
            time.sleep(_PAUSE)
        raise OSError(f"the lock on {self._path} can not be had")


def is_alive(folder: Path, worker_id: str) -> bool:
    """Whether the worker with that id lives, in this process or another. When the system can not tell, it lives."""
    if worker_id in _in_this_process():
        return True
    return not _try_lock(folder / worker_id, shared=True)


def sweep(folder: Path) -> None:
    """Remove the files of the dead. A worker without a file is dead too, so this changes nobody's mind."""
    for path in list(folder.iterdir()):
        if path.name not in _in_this_process():
            # Removed under the lock: a worker that is just being born either has it, or sees that its file is gone.
            _try_lock(path, shared=False, then=_remove)


def _try_lock(path: Path, *, shared: bool, then: Callable[[Path], None] | None = None) -> bool:
    """Whether nobody has the lock. ``then`` is done while we have it."""
    try:
        handle = os.open(path, os.O_RDONLY if shared else os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        _lock(handle, shared=shared)
        if then is not None:
            then(path)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    # Windows does not remove what somebody has open at this moment; the next sweep will.
    with contextlib.suppress(OSError):
        path.unlink()
