"""Text as Postgres can hold it: its ``text`` has no U+0000, so that one is escaped, and what escapes it too."""

from __future__ import annotations

import hashlib
import re
from typing import overload

_ESCAPE = "\x1a"
_ESCAPED = re.compile(f"{_ESCAPE}(.)", re.DOTALL)
_LONGEST_KEY = 500  # characters; an entry of an index must stay below a third of a page


@overload
def stored(text: str) -> str: ...
@overload
def stored(text: None) -> None: ...
def stored(text: str | None) -> str | None:
    """The text as it is stored."""
    if text is None or ("\0" not in text and _ESCAPE not in text):
        return text
    return text.replace(_ESCAPE, f"{_ESCAPE}{_ESCAPE}").replace("\0", f"{_ESCAPE}0")


@overload
def meant(text: str) -> str: ...
@overload
def meant(text: None) -> None: ...
def meant(text: str | None) -> str | None:
    """The text that ``stored`` was given."""
    if text is None or _ESCAPE not in text:
        return text
    return _ESCAPED.sub(lambda found: "\0" if found[1] == "0" else found[1], text)


def indexed(text: str) -> str:
    """The text as an index can hold it, for what is only ever compared: of a long one, a digest."""
    if len(text) <= _LONGEST_KEY:
        return stored(text)
    return f"{_ESCAPE}sha256 {hashlib.sha256(text.encode()).hexdigest()}"
