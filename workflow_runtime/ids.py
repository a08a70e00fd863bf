"""Identifiers: sortable by the time they were made, and random enough never to meet."""

from __future__ import annotations

import hashlib
import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as the ULID specification has it


def new_run_id() -> str:
    """A new run's id, ``wrun_<ULID>``."""
    return f"wrun_{_ulid()}"


def child_run_id(parent: str, entity: str) -> str:
    """The id of the run that ``entity`` of run ``parent`` starts: the same on each replay."""
    return f"wrun_{_digest(f'{parent}/{entity}')}"


def keyed_run_id(workflow: str, key: str) -> str:
    """The id of the run of ``workflow`` that was started with the idempotency key ``key``."""
    return f"wrun_{_digest(f'{workflow}/{key}')}"


def retry_run_id(run_id: str) -> str:
    """The id of the run that runs that one again: ``wrun_X-2`` for ``wrun_X``, and so on. There is one, however often it is asked for."""
    origin, dash, number = run_id.rpartition("-")
    return f"{origin}-{int(number) + 1}" if dash and _is_count(number) else f"{run_id}-2"


def origin_of(run_id: str) -> str:
    """The first of the runs of which each runs the one before it again. Random numbers and ids that follow from a run's id follow from
    this one's, so that the workflow decides again as it did.
    """
    origin, dash, number = run_id.rpartition("-")
    return origin if dash and _is_count(number) else run_id


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 1 and text[0] != "0"


def wait_key(run_id: str, wait: str) -> str:
    """The key of the message that says that a wait is over."""
    return f"{run_id}:{wait}"


def new_message_id() -> str:
    """A new message's id, ``wmsg_<ULID>``."""
    return f"wmsg_{_ulid()}"


def made_at(identifier: str) -> float | None:
    """When an id of ours with a ULID was made, in unix seconds; None for others."""
    stamp = identifier.partition("_")[2][:10]
    if len(stamp) != 10 or not set(stamp) <= set(_ALPHABET):
        return None
    number = 0
    for letter in stamp:
        number = number << 5 | _ALPHABET.index(letter)
    return number / 1000


def _ulid() -> str:
    """26 characters: 48 bits of unix milliseconds, then 80 random bits (the ULID specification)."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def _digest(text: str) -> str:
    """26 characters of SHA-256: 128 bits of it, as many as a ULID has."""
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16], "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
