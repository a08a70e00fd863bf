"""Encoded errors as people read them: what was said, the chain behind it, and which of its frames are the user's own."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from workflow_runtime.events import Json
from workflow_runtime.seeing.payloads import name_of_class, shortened, visible

_FRAME = re.compile(r'  File "(?P<path>[^\n]*)", line (?P<line>\d{1,9})(?:, in (?P<function>[^\n]*))?\n?')
_LIBRARIES = ("/site-packages/", "/dist-packages/", "/workflow_runtime/", "<frozen ")
_STANDARD = str(Path(re.__file__).parent.parent).replace("\\", "/") + "/"
_STANDARD_ANYWHERE = re.compile(r"/lib(?:64)?/python3\.\d+t?/")
_CHAIN = 20
_MEMBERS = 20
_MESSAGE = 10_000


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a stack. ``source`` is the line of code with the marks below it; empty when it is not known."""

    path: str
    line: int
    function: str
    source: str
    own: bool
    """Whether it is the user's code, and no library's."""

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error. All texts are safe to show; ``message`` may have several lines."""

    name: str
    """The class's own name."""
    type: str
    """The class with its module."""
    message: str
    notes: tuple[str, ...]
    frames: tuple[Frame, ...]
    """Outermost first, as Python prints them."""
    behind: ErrorView | None
    """What it was raised from, or while handling."""
    is_cause: bool
    """Whether ``behind`` is its cause (``raise … from``), and not only what was being handled."""
    members: tuple[ErrorView, ...]
    """The errors in it, when it is a group."""

    @property
    def own_frames(self) -> tuple[Frame, ...]:
        """The frames in the user's code."""
        return tuple(frame for frame in self.frames if frame.own)

    @property
    def library_frames(self) -> tuple[Frame, ...]:
        """The others."""
        return tuple(frame for frame in self.frames if not frame.own)

    @property
    def line(self) -> str:
        """``ValueError: no such card``, on one line."""
        return shortened(f"{self.name}: {self.message}" if self.message else self.name, 200)

    @property
    def chain(self) -> tuple[ErrorView, ...]:
        """This error and those behind it, the first of them last."""
        found: list[ErrorView] = [self]
        while (behind := found[-1].behind) is not None:
            found.append(behind)
        return tuple(found)


def error_view(data: Json) -> ErrorView:
    """The error that the data stands for. Data that is none gives an error that says so; never raises."""
    return _view(data, 0)


def error_line(data: Json) -> str:
    """``ValueError: no such card``: an encoded error on one line."""
    if type(data) is not dict:
        return shortened(str(data), 200)
    message = data.get("message")
    name = name_of_class(data.get("type"))
    return shortened(f"{name}: {message}", 200) if type(message) is str and message else name


def _view(data: Json, depth: int) -> ErrorView:
    if type(data) is not dict:
        return ErrorView("an error", "", shortened(str(data), 500), (), (), None, False, ())
    behind = data.get("cause", data.get("context"))
    members = data.get("errors")
    notes = data.get("notes")
    return ErrorView(
        name_of_class(data.get("type")),
        shortened(str(data.get("type", "")), 200),
        visible(str(data.get("message", ""))[:_MESSAGE], lines=True),
        tuple(visible(str(note)[:_MESSAGE], lines=True) for note in notes) if type(notes) is list else (),
        frames_of(data.get("stack")),
        _view(behind, depth + 1) if type(behind) is dict and depth < _CHAIN else None,
        "cause" in data,
        tuple(_view(member, depth + 1) for member in members[:_MEMBERS])
        if type(members) is list and depth < _CHAIN
        else (),
    )


def frames_of(stack: Json) -> tuple[Frame, ...]:
    """The frames in the text of a stack, as ``traceback`` writes it."""
    if type(stack) is not str:
        return ()
    found = list(_FRAME.finditer(stack))
    ends = [*(match.start() for match in found[1:]), len(stack)]
    return tuple(_frame(match, stack[match.end() : end]) for match, end in zip(found, ends, strict=False))


def _frame(match: re.Match[str], source: str) -> Frame:
    path = match["path"]
    lines = [line[4:] if line[:4].isspace() else line for line in source.rstrip().split("\n")]
    code = "\n".join(line for line in lines if not line.startswith("  …"))
    return Frame(
        shortened(path, 400),
        int(match["line"]),
        shortened(match["function"] or "", 200),
        visible(code[:1000], lines=True),
        not _is_library(path),
    )


def _is_library(path: str) -> bool:
    plain = path.replace("\\", "/")
    return (
        plain.startswith((_STANDARD, sys.prefix + "/lib/"))
        or any(part in plain for part in _LIBRARIES)
        or _STANDARD_ANYWHERE.search(plain) is not None
    )
