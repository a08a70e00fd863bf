"""From a file's bytes to its text and its tree."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from workflow_build import rules
from workflow_build.model import Diagnostic, Location, SourceFile


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that could be read as Python."""

    file: SourceFile
    text: str
    """As decoded, without a byte order mark, every newline as one newline character."""
    lines: tuple[str, ...]
    tree: ast.Module

    @property
    def has_walrus(self) -> bool:
        """Whether there may be assignments in expressions."""
        return ":=" in self.text


def parse(file: SourceFile) -> Parsed | Diagnostic:
    """The file's text and tree, or the finding that says why it has none. A file is parsed once; nobody changes its tree."""
    known = file.results.get("parsed")
    if not isinstance(known, Parsed | Diagnostic):
        known = file.results["parsed"] = _parse(file)
    return known


def _parse(file: SourceFile) -> Parsed | Diagnostic:
    try:
        text = decode(file.data)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        problem = f"{file.path} can not be decoded: {error}"
        advice = "save it as UTF-8, or declare its encoding in the first line"
        return rules.UNREADABLE_SOURCE.at(
            Location(file.path, _line_of(error, file.data)), problem=problem, advice=advice
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problem = f"{file.path} has a null character"
        return rules.UNREADABLE_SOURCE.at(
            Location(file.path, line), problem=problem, advice="remove it, or exclude the file"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Parsed(file, text, tuple(text.split("\n")), ast.parse(text))
    except SyntaxError as error:
        place = Location(file.path, max(error.lineno or 1, 1), max(error.offset or 1, 1))
        problem = f"{file.path} is not valid Python: {error.msg}"
        return rules.UNREADABLE_SOURCE.at(place, problem=problem, advice="correct it, or exclude the file")
    except (ValueError, RecursionError, MemoryError):
        return too_deep(file)


def too_deep(file: SourceFile) -> Diagnostic:
    """The finding for a file whose code is nested deeper than the interpreter can walk."""
    problem = f"{file.path} is nested too deeply to be analysed"
    return rules.UNREADABLE_SOURCE.at(
        Location(file.path, 1), problem=problem, advice="simplify it, or exclude the file"
    )


def decode(data: bytes) -> str:
    """The text of a Python file, by its byte order mark or its encoding line (PEP 263), UTF-8 otherwise."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


def span(path: str, lines: Sequence[str], node: ast.expr | ast.stmt | ast.alias) -> Location:
    """Where ``node`` stands, columns counted in characters."""
    end_line, end_offset = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    column = _column(lines[node.lineno - 1], node.col_offset)
    return Location(path, node.lineno, column, end_line, _column(lines[end_line - 1], end_offset))


def _column(line: str, offset: int) -> int:
    if line.isascii():
        return offset + 1
    return len(line.encode()[:offset].decode(errors="replace")) + 1


def _line_of(error: Exception, data: bytes) -> int:
    return data.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 1
