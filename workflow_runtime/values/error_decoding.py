"""From data to exceptions, without running any constructor, so that each comes back whatever its signature is."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import workflow_runtime.errors
from workflow_runtime.events import Json
from workflow_runtime.values.classes import Classes
from workflow_runtime.values.error_data import (
    BASES_ATTRIBUTE,
    MESSAGE_ATTRIBUTE,
    STACK_ATTRIBUTE,
    native_state,
    stack_note,
)
from workflow_runtime.values.refusal import MAX_DEPTH, Refusal, TooDeep
from workflow_runtime.values.validation_errors import rebuilt

_HEAP_TYPE = 1 << 9  # CPython's Py_TPFLAGS_HEAPTYPE: not set for the classes that are written in C in the interpreter
_STAND_INS: dict[tuple[str, type[BaseException]], type[BaseException]] = {}
_STAND_INS_LIMIT = 256

DecodeValue = Callable[[Json, int], Any]


def read_error(
    data: Json, classes: Classes, decode_value: DecodeValue, depth: int = 0, chain: int = 0
) -> BaseException:
    """The exception that the data describes, with what is behind it. Raises ``Refusal`` when the data describes none."""
    if chain > MAX_DEPTH:
        raise TooDeep
    if type(data) is not dict or type(data.get("type")) is not str:
        raise Refusal("not the data of an exception: it has no type")
    args = tuple(_value(arg, decode_value, depth) for arg in _list(data, "args"))
    members = [read_error(member, classes, decode_value, depth, chain + 1) for member in _list(data, "errors")]
    error = rebuilt(data["type"], data.get("validation"), lambda part: _value(part, decode_value, depth))
    error = error or _instance(data, args, members, classes)
    _restore_state(error, {name: _value(value, decode_value, depth) for name, value in _dict(data, "state").items()})
    for name in ("cause", "context"):
        if data.get(name) is not None:
            # Setting the cause also says that the context is not to be shown.
            behind = read_error(data[name], classes, decode_value, depth, chain + 1)
            vars(BaseException)[f"__{name}__"].__set__(error, behind)
    notes = [note for note in _list(data, "notes") if type(note) is str]
    stack = data.get("stack")
    if type(stack) is str and stack:
        error.__dict__[STACK_ATTRIBUTE] = stack
        notes.append(stack_note(stack))
    if notes:
        # Not add_note, which a frozen dataclass would refuse.
        error.__dict__["__notes__"] = notes
    return error


def _instance(
    data: Mapping[str, Json], args: tuple[Any, ...], members: list[BaseException], classes: Classes
) -> BaseException:
    name, bases = data["type"], [base for base in _list(data, "bases") if type(base) is str]
    known = _known(name, classes)
    made = None if known is None else _make(known, args, members)
    if made is None:
        text = str(data.get("message", ""))
        # Without arguments, repr() and a log would show an exception that says nothing.
        made = _make_stand_in(name, bases, args or ((text,) if text else ()), members, classes)
        made.__dict__[MESSAGE_ATTRIBUTE] = text
    return made


def _known(name: str, classes: Classes) -> type[Exception] | None:
    """The class, if there is one that may be raised here. What is no ``Exception`` would end the worker and not the step."""
    module, _, last = name.rpartition(".")
    found: object
    if module == "builtins":
        found = vars(builtins).get(last)
    elif module == workflow_runtime.errors.__name__:
        found = vars(workflow_runtime.errors).get(last)
    else:
        found = classes.find(name)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _make(cls: type[BaseException], args: tuple[Any, ...], members: list[BaseException]) -> BaseException | None:
    """An instance, by the ``__new__`` of the class's nearest base that is not written in Python; None when that does not work."""
    native = next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)
    if issubclass(cls, BaseExceptionGroup):
        if not members:
            return None
        args = (str(args[0]) if args else "", members)
    for given in (args, ()):
        # Some take nothing, and OSError makes another class of itself by the number that it is given.
        with suppress(Exception):
            error = native.__new__(cls, *given)
            if type(error) is cls and isinstance(error, BaseException):
                if not isinstance(error, BaseExceptionGroup):
                    vars(BaseException)["args"].__set__(error, args)
                return error
    return None


def _make_stand_in(
    name: str, bases: list[str], args: tuple[Any, ...], members: list[BaseException], classes: Classes
) -> BaseException:
    known = (found for found in (_known(base, classes) for base in bases) if found is not None)
    for base in (*known, *([ExceptionGroup] if members else []), Exception):
        with suppress(ValueError):  # a name that no class can have
            error = _make(_stand_in(name, base, bases), args, members)
            if error is not None:
                return error
    raise Refusal(f"can not make an exception of the name {name!r}")


def _stand_in(name: str, base: type[BaseException], bases: list[str]) -> type[BaseException]:
    """A class for an exception that is not known here: of the same name, caught by the nearest base that is."""
    cls = _STAND_INS.get((name, base))
    if cls is None:
        module, _, last = name.rpartition(".")
        body = {"__module__": module, "__str__": _stand_in_text, BASES_ATTRIBUTE: tuple(bases)}
        cls = type(last, (base,), body)
        if len(_STAND_INS) >= _STAND_INS_LIMIT:
            _STAND_INS.clear()
        _STAND_INS[name, base] = cls
    return cls


def _stand_in_text(self: BaseException) -> str:
    return str(self.__dict__.get(MESSAGE_ATTRIBUTE, ""))


def _restore_state(error: BaseException, state: Mapping[str, Any]) -> None:
    natives = native_state(type(error))
    for name, value in state.items():
        if name in natives:
            # Not setattr: the user's class may have a property of that name. A value of a wrong type is left out.
            with suppress(TypeError, ValueError, OverflowError, AttributeError):
                vars(natives[name])[name].__set__(error, value)
        else:
            error.__dict__[name] = value


def _value(data: Json, decode_value: DecodeValue, depth: int) -> Any:
    try:
        return decode_value(data, depth)
    except (Refusal, RecursionError):
        return data  # of an unknown class: the plain data is better than no exception


def _list(data: Mapping[str, Json], name: str) -> list[Json]:
    found = data.get(name)
    return found if type(found) is list else []


def _dict(data: Mapping[str, Json], name: str) -> dict[str, Json]:
    found = data.get(name)
    return found if type(found) is dict else {}
