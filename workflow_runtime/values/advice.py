"""What to do about a value that can not be serialized: the last words of the error message."""

from __future__ import annotations

import io
from collections.abc import Coroutine, Generator, Iterator
from datetime import datetime
from types import FunctionType, MethodType, ModuleType

_ADVICE: tuple[tuple[tuple[type, ...], str], ...] = (
    ((Coroutine,), "await it and pass the result"),
    ((FunctionType, MethodType), "pass data; the step can import the function itself"),
    ((ModuleType,), "pass data; the step can import the module itself"),
    ((io.IOBase,), "open it inside the step, and pass its path or its content"),
    ((dict,), "give it as dict(…)"),
    ((str,), "give it as str(…)"),
    ((bool, int), "give it as int(…)"),
    ((float,), "give it as float(…)"),
    ((list, Generator, Iterator), "give it as list(…)"),
    ((tuple,), "give it as tuple(…)"),
    ((set, frozenset), "give it as set(…)"),
    ((bytes, bytearray, memoryview), "give it as bytes(…)"),
    ((datetime,), "give it as a plain datetime"),
    ((type,), "pass its name or one of its instances"),
)

_OTHERWISE = "pass data, not live objects: built-in types, dataclasses, pydantic, attrs or msgspec classes, enums"


def advice_for(cls: type) -> str:
    """One phrase that says what to pass instead of an instance of ``cls``."""
    for kinds, advice in _ADVICE:
        if issubclass(cls, kinds):
            return advice
    return _OTHERWISE
