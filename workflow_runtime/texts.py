"""The short texts that users choose: tokens, keys, names and values of attributes."""

from __future__ import annotations

TOKEN_BYTES = 1024
"""What a token, and an idempotency key, may have at most, in UTF-8."""


def checked_text(what: str, value: object, longest: int) -> str:
    """``value``, if it is text that every world can store and compare. Raises ``TypeError`` or ``ValueError`` that names ``what``."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is text, not {value!r:.100}; write str(…)")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} has half of a surrogate pair, which is no text: {value!r:.100}") from None
    if "\0" in value:
        raise ValueError(f"{what} has a null character, which not every database can store: {value!r:.100}")
    if size > longest:
        raise ValueError(f"{what} has {size:,} bytes, and may have {longest:,}: {value!r:.100}")
    return value


def checked_key(what: str, value: object) -> str:
    """``value``, if it can name something on its own: text as above, not empty, at most ``TOKEN_BYTES`` long."""
    text = checked_text(what, value, TOKEN_BYTES)
    if not text:
        raise ValueError(f"{what} is empty; leave it out, or say which")
    return text
