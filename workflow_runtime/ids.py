"""Identifiers: sortable by the time they were made, and random enough never to meet."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as the ULID specification has it


def new_run_id() -> str:
    """A new run's id, ``wrun_<ULID>``."""
    return f"wrun_{_ulid()}"


def new_message_id() -> str:
    """A new message's id, ``wmsg_<ULID>``."""
    return f"wmsg_{_ulid()}"


def _ulid() -> str:
    """26 characters: 48 bits of unix milliseconds, then 80 random bits (the ULID specification)."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
