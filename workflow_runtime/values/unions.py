"""Reading at places where several types are allowed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_runtime.events import Json
from workflow_runtime.values.handles import HANDLES
from workflow_runtime.values.leaves import TAG
from workflow_runtime.values.reading import Reader, Reading
from workflow_runtime.values.record_reading import plan_of
from workflow_runtime.values.records import named_class
from workflow_runtime.values.refusal import Refusal
from workflow_runtime.values.tagged import PLAIN, read_any, read_tagged

_COLLECTIONS = frozenset({"tuple", "set", "frozenset", "dict"})


@dataclass(frozen=True, slots=True)
class Member:
    """One type of a union. ``fits`` tells whether untagged data has the shape it is read from."""

    hint: Any
    cls: type | None
    reader: Reader
    fits: Callable[[Json], bool]


def union_reader(members: tuple[Member, ...]) -> Reader:
    """Gives tagged data to the member that it names, plain data of a member's own type as it is, other data to the first that fits."""
    natives = frozenset(member.cls for member in members if member.cls in PLAIN)

    def read(data: Json, reading: Reading, depth: int) -> Any:
        kind = type(data)
        # Before any conversion: text at a place for `datetime | str` was text when it was given.
        if data is None or kind in natives:
            return data
        if kind is dict and TAG in data:
            return _read_named(members, data, reading, depth)
        return _read_first(members, data, reading, depth)

    return read


def _read_named(members: tuple[Member, ...], data: Mapping[str, Json], reading: Reading, depth: int) -> Any:
    tag = data[TAG]
    for member in members:
        cls = member.cls
        if cls is not None and (_tag_of(cls, reading) == tag or _collects(cls, tag)):
            return member.reader(data, reading, depth)
    return read_tagged(data, reading, depth)


def _tag_of(cls: type, reading: Reading) -> str:
    handle = HANDLES.get(cls)
    return reading.classes.name_of(named_class(cls)) if handle is None else handle.tag


def _collects(cls: type, tag: Json) -> bool:
    """Whether a member such as ``tuple`` or ``Sequence`` says what is in a collection with this tag."""
    if type(tag) is not str or tag not in _COLLECTIONS or hasattr(cls, "__annotations__"):
        return False
    return issubclass({"tuple": tuple, "set": set, "frozenset": frozenset, "dict": dict}[tag], cls)


def _read_first(members: tuple[Member, ...], data: Json, reading: Reading, depth: int) -> Any:
    fitting = [member for member in members if member.fits(data)]
    if len(fitting) > 1 and type(data) is dict:
        fitting = sorted(fitting, key=lambda member: _strangeness(member, data, reading))
    first_refusal: Refusal | None = None
    for member in fitting:
        try:
            return member.reader(data, reading, depth)
        except Refusal as refusal:
            first_refusal = first_refusal or refusal
    if first_refusal is not None:
        raise first_refusal
    return read_any(data, reading, depth)


def _strangeness(member: Member, data: Mapping[str, Json], reading: Reading) -> int:
    """How badly a plain object suits a record: 2 when a ``Literal`` field says no, 1 when it has keys that the record does not know."""
    plan = plan_of(member.hint, reading)
    if plan is None:
        return 0
    if any(name in data and data[name] not in allowed for name, allowed in plan.literals.items()):
        return 2
    known = {name for field in plan.record.fields for name in field.names} | plan.init_only.keys()
    return 1 if data.keys() - known else 0
