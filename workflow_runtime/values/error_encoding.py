"""From exceptions to data: all that is needed to raise, catch, print and debug them elsewhere, and bounded in size."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflow_runtime.events import Json
from workflow_runtime.values.classes import Classes
from workflow_runtime.values.error_data import (
    BASES_ATTRIBUTE,
    MESSAGE_ATTRIBUTE,
    STACK_ATTRIBUTE,
    native_state,
    stack_note,
)
from workflow_runtime.values.refusal import Refusal, shown
from workflow_runtime.values.validation_errors import is_validation_error, written_lines

TEXT_LIMIT = 10_000
"""Characters of a message or note."""
STACK_LIMIT = 20_000
"""Characters of a stack."""
_VALUE_LIMIT = 50_000  # characters of JSON that one argument or attribute may take
_FRAMES_AT_START, _FRAMES_AT_END = 10, 40
_PARTS_LIMIT = 100  # arguments, notes, members of a group
_ERRORS_LIMIT = 100  # exceptions in one tree of causes and groups
_CHAIN_LIMIT = 20  # causes of causes
_RUNTIME_FOLDER = str(Path(__file__).parent.parent) + os.sep


@dataclass(slots=True)
class ErrorWriter:
    """Writes the exceptions of one value. ``encode_value(value, depth)`` writes what they hold, and may raise ``Refusal``."""

    classes: Classes
    encode_value: Callable[[Any, int], Json]
    _open: set[int] = field(default_factory=set)
    _written: int = 0

    def write(self, error: BaseException, depth: int, chain: int = 0) -> dict[str, Json]:
        """The data of one exception and of those behind it. Raises ``Refusal`` inside of itself, and when there are too many."""
        if not self._open:
            self._written = 0
        elif id(error) in self._open or self._written >= _ERRORS_LIMIT:
            raise Refusal("an exception that holds itself, or too many of them")
        self._written += 1
        data: dict[str, Json] = {
            "type": self._name(type(error)),
            "message": cut(_message(error), TEXT_LIMIT),
            "bases": self._bases(type(error)),
        }
        self._open.add(id(error))
        try:
            members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
            args = error.args[:1] if isinstance(error, BaseExceptionGroup) else error.args
            data["args"] = [self._part(arg, depth) for arg in args[:_PARTS_LIMIT]]
            data.update(self._texts_and_state(error, depth))
            data.update(self._behind(error, depth, chain))
            if is_validation_error(type(error)):
                data["validation"] = written_lines(error, lambda value: self._part(value, depth))
            if members:
                data["errors"] = self._members(members, depth, chain)
        finally:
            self._open.discard(id(error))
        return data

    def _name(self, cls: type) -> str:
        return f"builtins.{cls.__qualname__}" if cls.__module__ == "builtins" else self.classes.name_of(cls)

    def _bases(self, cls: type) -> list[str]:
        kept = vars(cls).get(BASES_ATTRIBUTE)
        if kept is not None:
            return list(kept)
        return [
            self._name(base)
            for base in cls.__mro__[1:]
            if issubclass(base, BaseException) and base is not BaseException
        ]

    def _texts_and_state(self, error: BaseException, depth: int) -> dict[str, Json]:
        remote = error.__dict__.get(STACK_ATTRIBUTE, "")
        stack = cut_middle(_frames_text(error) + remote, STACK_LIMIT)
        shown_already = stack_note(remote)
        notes = [
            cut(note, TEXT_LIMIT)
            for note in _listed(getattr(error, "__notes__", ()))
            if isinstance(note, str) and note != shown_already
        ]
        parts = {"state": self._state(error, depth), "notes": notes[:_PARTS_LIMIT], "stack": stack}
        return {name: part for name, part in parts.items() if part}

    def _state(self, error: BaseException, depth: int) -> dict[str, Json]:
        own = {"__notes__", STACK_ATTRIBUTE, MESSAGE_ATTRIBUTE}
        state = {name: value for name, value in list(error.__dict__.items()) if name not in own}
        for name, owner in native_state(type(error)).items():
            value = vars(owner)[name].__get__(error)
            if value is not None:
                state[name] = value
        encoded: dict[str, Json] = {}
        for name, value in state.items():
            try:
                encoded[name] = self._value(value, depth)
            except (Refusal, RecursionError):
                continue  # what can not be serialized stays behind
        return encoded

    def _behind(self, error: BaseException, depth: int, chain: int) -> dict[str, Json]:
        cause, context = error.__cause__, error.__context__
        if cause is not None:
            behind = {"cause": self._linked(cause, depth, chain)}
        elif context is not None and not error.__suppress_context__:
            behind = {"context": self._linked(context, depth, chain)}
        else:
            behind = {}
        return {name: data for name, data in behind.items() if data is not None}

    def _members(self, members: Iterable[BaseException], depth: int, chain: int) -> list[Json]:
        written = [self._linked(member, depth, chain) for member in list(members)[:_PARTS_LIMIT]]
        return [data for data in written if data is not None]

    def _linked(self, error: BaseException, depth: int, chain: int) -> Json | None:
        if id(error) in self._open or chain >= _CHAIN_LIMIT or self._written >= _ERRORS_LIMIT:
            return None
        return self.write(error, depth, chain + 1)

    def _part(self, value: object, depth: int) -> Json:
        try:
            return self._value(value, depth)
        except (Refusal, RecursionError):
            return cut(shown(value, TEXT_LIMIT), TEXT_LIMIT)

    def _value(self, value: object, depth: int) -> Json:
        if type(value) is str:
            return self.encode_value(cut(value, TEXT_LIMIT), depth)
        data = self.encode_value(value, depth)
        if len(json.dumps(data)) > _VALUE_LIMIT:
            raise Refusal("too large")
        return data


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and how much is missing."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def cut_middle(text: str, limit: int) -> str:
    """The text, or its beginning and its end."""
    if len(text) <= limit:
        return text
    return f"{text[: limit // 4]}\n  … ({len(text) - limit} characters left out)\n{text[-(limit - limit // 4) :]}"


def _message(error: BaseException) -> str:
    kept = error.__dict__.get(MESSAGE_ATTRIBUTE)
    if isinstance(kept, str):
        return kept
    try:
        return (
            BaseExceptionGroup.__dict__["message"].__get__(error)
            if isinstance(error, BaseExceptionGroup)
            else str(error)
        )
    except Exception as failure:  # noqa: BLE001 - user code in __str__; the error it belongs to matters more
        return f"<{type(error).__name__}, whose str raised {type(failure).__name__}>"


def _listed(notes: object) -> list[object]:
    return list(notes) if isinstance(notes, (list, tuple)) else []


def _frames_text(error: BaseException) -> str:
    frames = list(traceback.walk_tb(error.__traceback__))
    # The runtime's own frames say nothing about the user's code, and differ between a live run and a replay.
    theirs = [frame for frame in frames if not frame[0].f_code.co_filename.startswith(_RUNTIME_FOLDER)]
    chosen = theirs or frames
    if len(chosen) > _FRAMES_AT_START + _FRAMES_AT_END:
        head, tail = chosen[:_FRAMES_AT_START], chosen[-_FRAMES_AT_END:]
        left_out = len(chosen) - len(head) - len(tail)
        return f"{_formatted(head)}  … ({left_out} frames left out)\n{_formatted(tail)}"
    return _formatted(chosen)


def _formatted(frames: Iterable[tuple[Any, int]]) -> str:
    return "".join(traceback.StackSummary.extract(iter(frames)).format())
