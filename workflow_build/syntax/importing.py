"""The lines of a file that import, told from its bytes: what a file has from others is looked for there, and not in all of it."""

from __future__ import annotations

from workflow_build.model import SourceFile

WORD = b"import"


def importing_lines(file: SourceFile) -> bytes:
    """All import statements of the file, on the lines that they stand on, and maybe lines that only look like one."""
    known = file.facts.get("importing lines")
    if not isinstance(known, bytes):
        known = file.facts["importing lines"] = b"".join(_found(file.data))
    return known


def _found(data: bytes) -> list[bytes]:
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return [data]  # lines end in a way that is not worth being followed
    found: list[bytes] = []
    end, position = 0, data.find(WORD)
    while position >= 0:
        start = _start(data, position)
        end = _end(data, max(start, end), position)
        found.append(data[start:end])
        position = data.find(WORD, end)
    return found


def _start(data: bytes, position: int) -> int:
    """Where the line begins, or that before it if a backslash joins the two."""
    start = data.rfind(b"\n", 0, position) + 1
    while data.endswith((b"\\\n", b"\\\r\n"), 0, start):
        start = data.rfind(b"\n", 0, start - 1) + 1
    return start


def _end(data: bytes, start: int, position: int) -> int:
    """Where the statement ends, with what stands in parentheses and after backslashes."""
    is_open = False
    while True:
        end = data.find(b"\n", position) + 1 or len(data)
        code = data[position:end].partition(b"#")[0].rstrip()
        is_open = b")" not in code if is_open else b"(" in code and b")" not in code
        if end == len(data) or not (is_open or code.endswith(b"\\")):
            return end
        position = end
