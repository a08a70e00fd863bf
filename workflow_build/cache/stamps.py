"""Which files need not be read again, since neither time nor size nor place on disk of them has changed.

The rule is git's: a file's times tell nothing unless they are older than the moment at which it was read. One that was written in the
same tick of the clock, or that is dated in the future because a clock was set back, is read again each time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from os import stat_result

GRANULARITY = 2_000_000_000
"""Nanoseconds that a file must be older than its reading: the coarsest file systems count time in steps of two seconds."""

Stamp = tuple[int, int, int, int]


def stamp_of(found: stat_result) -> Stamp:
    """Size, time of the last change of content and of anything at all, and number on disk."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def is_settled(stamp: Stamp, started: int) -> bool:
    """Whether the stamp will be another one after the next change, if the file was read at ``started``, in nanoseconds, or later."""
    return max(stamp[1], stamp[2]) + GRANULARITY < started


Stamps = Mapping[str, tuple[Stamp, str]]
"""The digests of files by name, each good while the file's stamp is the same."""


def dump_stamps(stamps: Stamps) -> str:
    """The stamps as text."""
    return json.dumps({name: [*stamp, digest] for name, (stamp, digest) in stamps.items()}, separators=(",", ":"))


def load_stamps(text: str | None) -> Stamps:
    """What ``dump_stamps`` was given; nothing for anything else."""
    try:
        rows = json.loads(text) if text else {}
        return {
            name: ((size, changed, touched, number), digest)
            for name, (size, changed, touched, number, digest) in rows.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


def now() -> int:
    """The clock that files are dated by, in nanoseconds."""
    return time.time_ns()
