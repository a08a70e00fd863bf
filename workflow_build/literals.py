"""Python text for the templates: literals and imports that can not be broken out of, already as a formatter would leave them.

Whatever is longer than ``WIDTH`` is exploded with a trailing comma, which formatters respect at any line length, so that the
user's own settings leave written files alone.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

WIDTH = 79


@lru_cache(1 << 16)
def literal(text: str) -> str:
    """A string literal on one line, in double quotes unless that needs more escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + _without_specials(text, quote) + quote


def plain(value: object) -> str:
    """A literal of any kind."""
    return literal(value) if isinstance(value, str) else repr(value)


def text_literal(text: str) -> str:
    """A triple-quoted literal that reads like the text, and survives editors that trim the ends of lines."""
    lines = []
    for line in text.split("\n"):
        body = _without_specials(line).replace('"""', r"\"\"\"")
        lines.append(body[:-1] + r"\x20" if body.endswith(" ") else body)
    # A quote that would touch the closing ones, unless it is escaped already.
    lines[-1] = re.sub(r'(?<!\\)((?:\\\\)*)"$', r'\1\\"', lines[-1])
    return '"""\\\n' + "\n".join(lines) + '"""'


def tuple_literal(items: Sequence[str], indent: int) -> str:
    """A tuple of strings, one a line; a single one stays on the line, where formatters put it whatever its comma says."""
    if len(items) == 1:
        return f"({literal(items[0])},)"
    return exploded("(", [literal(item) for item in items], ")", indent)


def list_literal(items: Sequence[str], indent: int) -> str:
    """A list of strings, one a line."""
    return exploded("[", [literal(item) for item in items], "]", indent)


def dict_literal(items: Mapping[str, str], indent: int) -> str:
    """A dict from strings to expressions, one item a line."""
    return exploded("{", [f"{literal(key)}: {value}" for key, value in items.items()], "}", indent)


def call(parts: Sequence[str], indent: int) -> str:
    """A call: the function's expression, then those of its arguments."""
    function, *arguments = parts
    line = f"{function}({', '.join(arguments)})"
    return (
        line if indent + len(line) <= WIDTH and "\n" not in line else exploded(f"{function}(", arguments, ")", indent)
    )


def import_lines(module: str, names: Mapping[str, str], indent: int) -> list[str]:
    """``from module import …`` for names and what each is called here, in the order that import sorters want."""
    plain = sorted((name for name, alias in names.items() if name == alias), key=_import_order)
    statements = {name: [f"{name} as {alias}"] for name, alias in names.items() if name != alias}
    if plain:
        statements[plain[0]] = plain
    return [
        line
        for first in sorted(statements, key=_import_order)
        for line in _import_statement(module, statements[first], indent)
    ]


@cache
def is_dotted_name(text: str) -> bool:
    """Whether the text is a dotted path of identifiers that an import statement can hold."""
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def _import_statement(module: str, names: list[str], indent: int) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if indent + len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def _import_order(name: str) -> tuple[int, list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[:1].isupper() else 2
    return kind, _natural(name.lower()), _natural(name)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Digits compare as numbers, ``step2`` before ``step10``; those with a leading zero as fractions, before the others."""
    keys = []
    for part in re.findall(r"[0-9]+|[^0-9]", name):
        if part[0] == "0":
            keys.append((0, -1, part))
        else:
            keys.append((0, int(part), "") if part[0] in "123456789" else (1, 0, part))
    return keys


def exploded(start: str, lines: Sequence[str], end: str, indent: int) -> str:
    """``lines`` between ``start`` and ``end``, each on its own line with a comma."""
    if not lines:
        return start + end
    pad = " " * indent
    return "\n".join([start, *(f"{pad}    {line}," for line in lines), pad + end])


def _without_specials(text: str, quote: str = "") -> str:
    """The text with ``quote``, backslashes, and what can not be printed escaped."""
    if text.isprintable() and "\\" not in text and (not quote or quote not in text):
        return text  # nearly always
    return "".join(f"\\{char}" if char == quote else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char.isprintable():
        return char
    names = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    code = ord(char)
    return names.get(char) or (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
