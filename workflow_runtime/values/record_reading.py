"""Instances of record classes, from tagged data (rebuilt as they were) and from plain objects (made by their constructor)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from workflow_runtime.events import Json
from workflow_runtime.values.hints import bare, class_hints, field_hints, with_arguments
from workflow_runtime.values.reading import Reader, Reading
from workflow_runtime.values.records import DATACLASS, EXTRA, PYDANTIC, UNSET, Record, record_of, with_defaults
from workflow_runtime.values.refusal import Refusal


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """How to read instances of one record class, as annotated."""

    hint: Any
    record: Record
    readers: Mapping[str, Reader]
    """By field."""
    init_only: Mapping[str, Reader]
    """What the constructor takes besides fields: a dataclass's ``InitVar``."""
    literals: Mapping[str, tuple[object, ...]]
    """The values that fields annotated as ``Literal`` can have: what tells the members of a union apart."""


# By identity, since equal annotations need not mean the same (int | str == str | int); the plan keeps its annotation, so that no id is
# used twice. Bounded for the reason given at records._RECORDS.
_PLANS: dict[int, RecordPlan] = {}
_PLANS_LIMIT = 1024


def plan_of(hint: Any, reading: Reading) -> RecordPlan | None:
    """The plan for a record class or a parametrized one; None for anything else."""
    plan = _PLANS.get(id(hint))
    if plan is None or plan.hint is not hint:
        cls = get_origin(hint) or hint
        record = record_of(cls) if isinstance(cls, type) else None
        if record is None:
            return None
        if len(_PLANS) >= _PLANS_LIMIT:
            _PLANS.clear()
        plan = _PLANS[id(hint)] = _new_plan(hint, record, reading)
    return plan


def _new_plan(hint: Any, record: Record, reading: Reading) -> RecordPlan:
    arguments = dict(zip(getattr(record.cls, "__parameters__", ()), get_args(hint), strict=False))
    hints = {name: bare(with_arguments(part, arguments)) for name, part in field_hints(record, reading.classes).items()}
    return RecordPlan(
        hint=hint,
        record=record,
        readers={name: reading.reader_of(part) for name, part in hints.items()},
        init_only=_init_only(record, reading),
        literals={name: get_args(part) for name, part in hints.items() if get_origin(part) is Literal},
    )


def _init_only(record: Record, reading: Reading) -> dict[str, Reader]:
    if record.kind is not DATACLASS:
        return {}
    hints = class_hints(record.cls, reading.classes)
    # What stands in the dataclass's table and is no field is an InitVar or a ClassVar; the constructor takes only the former.
    pseudo = vars(record.cls).get("__dataclass_fields__", {}).keys() - record.names
    taken = inspect.signature(record.cls).parameters.keys()
    return {name: reading.reader_of(hints.get(name, Any)) for name in pseudo & taken}


def rebuild(plan: RecordPlan, data: Mapping[str, Json], reading: Reading, depth: int) -> Any:
    """The instance that was encoded: its fields set as they were, no constructor run where the kind allows that.

    A field that the data lacks takes its default; what the class does not have is passed over.
    """
    values: dict[str, Any] = {}
    name = ""
    try:
        for name, reader in plan.readers.items():
            if name in data:
                values[name] = reader(data[name], reading, depth + 1)
    except Refusal as refusal:
        refusal.inside(data, f".{name}")
        raise
    record = plan.record
    given = set(values)
    with _refusing(f"can not rebuild {record.cls}"):
        with_defaults(record.fields, values)
        if record.kind is PYDANTIC:
            _add_model_details(values, given, data, reading, depth)
        return record.kind.rebuild(plan.hint if record.kind is PYDANTIC else record.cls, values)


def _add_model_details(
    values: dict[str, Any], given: set[str], data: Mapping[str, Json], reading: Reading, depth: int
) -> None:
    unset = data.get(UNSET)
    listed = unset if type(unset) is list else []
    extra = data.get(EXTRA)
    values[UNSET] = (values.keys() - given) | {name for name in listed if type(name) is str}
    values[EXTRA] = {} if extra is None else reading.reader_of(Any)(extra, reading, depth + 1)


def construct(plan: RecordPlan, data: Mapping[str, Json], reading: Reading, depth: int) -> Any:
    """A new instance from a plain object, made by the class's constructor (pydantic: ``model_validate``)."""
    record = plan.record
    if record.kind is PYDANTIC:
        values = {name: _read_key(data, name, reading.reader_of(Any), reading, depth) for name in data}
        with _refusing(f"not data for {record.cls}"):
            return plan.hint.model_validate(values)
    arguments: dict[str, Any] = {}
    for field in record.fields:
        key = next((key for key in field.names if key in data), None)
        if field.parameter is None:
            continue
        if key is not None:
            arguments[field.parameter] = _read_key(data, key, plan.readers[field.name], reading, depth)
        elif field.required:
            raise Refusal(f"not data for {record.cls}: field {field.name!r} is missing and has no default")
    for name in plan.init_only.keys() & data.keys():
        arguments[name] = _read_key(data, name, plan.init_only[name], reading, depth)
    with _refusing(f"can not make {record.cls}"):
        return record.cls(**arguments)


def _read_key(data: Mapping[str, Json], key: str, reader: Reader, reading: Reading, depth: int) -> Any:
    try:
        return reader(data[key], reading, depth + 1)
    except Refusal as refusal:
        refusal.inside(data, f".{key}")
        raise


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Say of whatever the user's class raises that it happened here."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        raise Refusal(f"{what}: {type(error).__name__}: {error}") from error
