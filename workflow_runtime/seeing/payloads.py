"""Encoded values as text that is safe to show: readable, bounded, and without a character that could do anything.

What is shown looks like Python: ``Order(id='ord_1', cents=1290, at=datetime(2026-11-22T09:25:16+00:00))``. Whatever would move a cursor, change a
colour or turn the direction of writing is shown by its escape. The data may be anything: it comes from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workflow_runtime.events import Json
from workflow_runtime.seeing.phrases import counted

TAG = "$type"
LIMIT = 2000
"""Characters of a value, unless told otherwise."""
DEPTH = 20
"""Containers inside each other that are shown, unless told otherwise."""

# Marks that are drawn above, below or through the letter before them: no language has five on one letter, and hundreds cover other lines.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_SUSPECT = re.compile(f"(?P<stacked>(?<=[{_MARKS}]{{4}})[{_MARKS}])|[^ -~]")
# Letters and marks that Python calls printable, and that show nothing: fillers, vowels without a sound, invisible joiners.
_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COLLECTIONS = {"tuple": "()", "set": "{}", "frozenset": "{}", "list": "[]"}
_PLAIN_LEAVES = frozenset(
    {"Decimal", "UUID", "Path", "PurePosixPath", "PureWindowsPath", "date", "datetime", "time", "float"}
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as text. ``cut`` says whether something of it is not there; where, the text says itself."""

    text: str
    cut: bool


def visible(text: str, *, lines: bool = False) -> str:
    """The text with each character that is not shown as itself (controls, what turns or hides text, marks beyond the fourth
    on one letter, halves of surrogate pairs) as its escape.

    With ``lines``, line ends and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SUSPECT.sub(lambda found: _code(found[0]) if found["stacked"] else _escape(found[0], lines=lines), text)


def shortened(text: str, limit: int) -> str:
    """One safe line of at most about ``limit`` characters."""
    line = visible(text[: limit + 1])
    return line if len(text) <= limit and len(line) <= limit * 4 else f"{line[: limit - 1]}…"


def show(value: Json, *, limit: int = LIMIT, depth: int = DEPTH, indent: bool = False) -> Shown:
    """An encoded value as text of about ``limit`` characters at most, on one line or, with ``indent``, on as many as it has parts."""
    writer = _Writer(limit, depth, indent=indent)
    return Shown("".join(writer.pieces(value)), writer.cut)


def brief(value: Json, limit: int = 24) -> str:
    """A value in a few characters, as it stands in a label: text without quotes, a record by its first plain field."""
    for _ in range(4):  # a record in a record
        if type(value) is str:
            return shortened(value, limit)
        if type(value) is dict and type(value.get(TAG)) is str and value[TAG] not in _COLLECTIONS:
            plain = [item for name, item in value.items() if name != TAG]
            if len(plain) and type(plain[0]) in (str, int, dict):
                value = plain[0]
                continue
        break
    return shortened(show(value, limit=limit, depth=2).text, limit)


def arguments(call: Json, names: Iterable[str] = ()) -> tuple[tuple[str, Json], ...]:
    """The arguments of an encoded call with their names. ``names`` are those of the function's parameters; without, a position has none."""
    if type(call) is not dict:
        return ()
    args, kwargs = call.get("args"), call.get("kwargs")
    known = iter(names)
    positional = tuple((next(known, ""), value) for value in args) if type(args) is list else ()
    return positional + (tuple(kwargs.items()) if type(kwargs) is dict else ())


def show_call(call: Json, names: Iterable[str] = (), *, limit: int = LIMIT) -> Shown:
    """The arguments of an encoded call as they would stand in code: ``'ord_1', cents=1290``."""
    parts, cut, left = [], False, limit
    given = arguments(call, names)
    for at, (name, value) in enumerate(given):
        if left <= 0:
            parts.append(f"… {len(given) - at:,} more")
            cut = True
            break
        shown = show(value, limit=left)
        parts.append(f"{visible(name)}={shown.text}" if name else shown.text)
        left -= len(parts[-1]) + 2
        cut = cut or shown.cut
    return Shown(", ".join(parts), cut)


def _escape(char: str, *, lines: bool) -> str:
    if (char.isprintable() and char not in _HIDDEN) or (lines and char in "\n\t"):
        return char
    if char in _NAMED:
        return _NAMED[char]
    return _code(char)


def _code(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Writer:
    """Writes one value within a budget of characters."""

    def __init__(self, limit: int, depth: int, *, indent: bool) -> None:
        self._left = limit
        self._depth = depth
        self._indent = indent
        self.cut = False

    def pieces(self, value: Json, level: int = 0) -> Iterator[str]:
        """The text of the value, in pieces."""
        if type(value) is str:
            yield self._text(value)
        elif type(value) is list:
            yield from self._container("[", "]", len(value), (("", item) for item in value), level)
        elif type(value) is dict:
            yield from self._dict(value, level)
        else:  # json gives nothing else; an int may be long
            yield self._spent(_number(value))

    def _dict(self, value: dict[str, Json], level: int) -> Iterator[str]:
        tag = value.get(TAG)
        if type(tag) is not str:
            items = ((f"{_key(key)}: ", item) for key, item in value.items())
            yield from self._container("{", "}", len(value), items, level)
            return
        parts = value.get("items")
        if tag in _COLLECTIONS and type(parts) is list:
            opening, closing = _COLLECTIONS[tag][:1], _COLLECTIONS[tag][1:]
            name = "frozenset" if tag == "frozenset" or (tag == "set" and not parts) else ""
            if name:
                opening, closing = f"{tag}({opening if parts else ''}", f"{closing if parts else ''})"
            elif tag == "tuple" and len(parts) == 1:
                closing = ",)"
            yield from self._container(opening, closing, len(parts), (("", item) for item in parts), level)
        elif tag == "dict" and type(parts) is list:
            yield from self._container("{", "}", len(parts), (("", _Pair(pair)) for pair in parts), level)
        elif (leaf := _leaf(tag, value)) is not None:
            yield self._spent(leaf)
        else:
            fields = [name for name in value if name[:1] != "$"]
            named = ((f"{shortened(name, 200)}=", value[name]) for name in fields)
            yield from self._container(f"{name_of_class(tag)}(", ")", len(fields), named, level)

    def _container(
        self, opening: str, closing: str, count: int, items: Iterable[tuple[str, Json]], level: int
    ) -> Iterator[str]:
        if not count:
            yield self._spent(opening + closing)
            return
        if level >= self._depth:
            self.cut = True
            yield self._spent(f"{opening}… {counted(count, 'item')}{closing}")
            return
        yield self._spent(opening)
        newline = f"\n{'  ' * (level + 1)}" if self._indent else ""
        for at, (name, item) in enumerate(items):
            if at:
                yield self._spent("," if self._indent else ", ")
            if self._left <= 0:
                self.cut = True
                yield f"{newline}… {count - at:,} more"
                break
            yield self._spent(newline + name)
            if type(item) is _Pair:
                yield from self._pair(item, level + 1)
            else:
                yield from self.pieces(item, level + 1)
        yield self._spent((f"\n{'  ' * level}" if self._indent else "") + closing)

    def _pair(self, pair: _Pair, level: int) -> Iterator[str]:
        if type(pair.pair) is list and len(pair.pair) == 2:
            yield from self.pieces(pair.pair[0], level)
            yield self._spent(": ")
            yield from self.pieces(pair.pair[1], level)
        else:
            yield from self.pieces(pair.pair, level)

    def _text(self, text: str) -> str:
        room = max(16, self._left)
        if len(text) <= room:
            return self._spent(_quoted(text))
        self.cut = True
        return self._spent(f"{_quoted(text[:room])}… {len(text) - room:,} more characters")

    def _spent(self, text: str) -> str:
        self._left -= len(text)
        return text


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key and its value in a dict whose keys are not all text."""

    pair: Json


def _quoted(text: str) -> str:
    mark = '"' if "'" in text and '"' not in text else "'"
    return mark + visible(text.replace("\\", "\\\\").replace(mark, f"\\{mark}")) + mark


def _key(key: str) -> str:
    return _quoted(key) if len(key) <= 200 else f"{_quoted(key[:200])}…"


def _number(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:40]}… {len(text) - 40:,} more digits"


def _leaf(tag: str, data: dict[str, Json]) -> str | None:
    """The text of a value without parts; None when it is none of these, or not what its tag promises."""
    value = data.get("value")
    if type(value) is str:
        if tag in _PLAIN_LEAVES:
            return f"{tag}({_quoted(value[:200])})"
        if tag in ("bytes", "bytearray"):
            size = len(value) * 3 // 4 - value[-2:].count("=")
            return f"{tag}({shortened(value, 40)}, {counted(size, 'byte')})"
    if tag == "exception" and type(data.get("error")) is dict:
        error = data["error"]
        return f"{name_of_class(error.get('type'))}({shortened(str(error.get('message', '')), 200)!r})"
    if tag == "str" and type(data.get("parts")) is list:
        return _quoted("".join(str(part) for part in data["parts"])[:LIMIT])
    if tag == "Run" and type(data.get("id")) is str:
        return f"Run({shortened(data['id'], 80)})"
    return None


def name_of_class(path: Json) -> str:
    """The class's own name in ``builtins.ValueError``."""
    return shortened(path.rpartition(".")[2], 100) if type(path) is str else "an error"
