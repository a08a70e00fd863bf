"""Classes made of named fields: which kinds there are, what their fields are, and how an instance is put together again.

Nothing here imports pydantic, attrs or msgspec: a class of theirs can only exist when they are imported already.
"""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from workflow_runtime.values.refusal import Refusal

MISSING: Any = object()
"""Stands for a field that an instance does not have."""

UNSET = "$unset"
"""With a pydantic model: the names of the fields that nobody gave a value."""
EXTRA = "$extra"
"""With a pydantic model that allows them: the values beyond its fields."""

_BUILTIN_DATA = (str, bytes, bytearray, int, float, complex, list, dict, set, frozenset, BaseException)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``names`` are the keys under which plain data may give it, ``parameter`` is how the constructor takes it (None: not at all)."""

    name: str
    names: tuple[str, ...]
    parameter: str | None
    default: Callable[[], Any] | None
    """Makes the default; None when there is none."""
    required: bool
    """Whether the constructor must be given it."""
    lasting: bool = True
    """Whether an instance always has it; not so when only the class's own code sets it."""
    hint: Any = None
    """The annotation where the kind resolves it itself (pydantic); otherwise None."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What sort of record a class is."""

    name: str
    fields: Callable[[Any], tuple[Field, ...]]
    rebuild: Callable[[Any, dict[str, Any]], Any]
    """An instance of the class from all its fields, without user code where the kind allows that."""


def library_class(module: str, name: str) -> Any:
    """A class of a library if the library is imported already, else None."""
    return getattr(sys.modules.get(module), name, None)


def kind_of(cls: type) -> Kind | None:
    """The kind of record that a class is; None when it is not a record."""
    if issubclass(cls, tuple):
        return NAMED_TUPLE if isinstance(getattr(cls, "_fields", None), tuple) else None
    if issubclass(cls, _BUILTIN_DATA) or issubclass(cls, Enum):
        return None
    model = library_class("pydantic.main", "BaseModel")
    if model is not None and issubclass(cls, model):
        return None if cls is model else PYDANTIC
    struct = library_class("msgspec", "Struct")
    if struct is not None and issubclass(cls, struct):
        return None if cls is struct else MSGSPEC
    if dataclasses.is_dataclass(cls):
        return DATACLASS
    return ATTRS if hasattr(cls, "__attrs_attrs__") else None


def named_class(cls: Any) -> type:
    """The class whose name stands in the data: for a parametrized pydantic model its origin, for any other class itself."""
    origin: type | None = getattr(cls, "__pydantic_generic_metadata__", {}).get("origin")
    return origin or cls


def is_data_class(cls: type) -> bool:
    """Whether data may name this class: a record or an enum."""
    return cls in _RECORDS or issubclass(cls, Enum) or kind_of(cls) is not None


@dataclass(frozen=True, slots=True)
class Record:
    """A class of named fields, looked at once."""

    cls: type
    kind: Kind
    fields: tuple[Field, ...]
    names: frozenset[str]


# Bounded instead of weak: what is kept refers to the class itself, so a weak key would never go. Bundles that are executed anew
# bring new classes each time; the old ones leave when the table is emptied.
_RECORDS: dict[type, Record] = {}
_RECORDS_LIMIT = 1024


def record_of(cls: type) -> Record | None:
    """What there is to know about a record class; None when it is not one."""
    record = _RECORDS.get(cls)
    if record is None:
        kind = kind_of(cls)
        if kind is None:
            return None
        if len(_RECORDS) >= _RECORDS_LIMIT:
            _RECORDS.clear()
        fields = kind.fields(cls)
        record = _RECORDS[cls] = Record(cls, kind, fields, frozenset(field.name for field in fields))
    return record


def with_defaults(fields: tuple[Field, ...], values: dict[str, Any]) -> dict[str, Any]:
    """``values`` plus the defaults of the fields that it lacks. Raises ``Refusal`` for a field that has none."""
    for field in fields:
        if field.name not in values:
            if field.default is not None:
                values[field.name] = field.default()
            elif field.lasting:
                raise Refusal(f"field {field.name!r} is missing and has no default")
    return values


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _set_fields(cls: Any, values: dict[str, Any]) -> Any:
    instance = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(instance, name, value)
    return instance


def _dataclass_fields(cls: Any) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=field.name,
            names=(field.name,),
            parameter=field.name if field.init else None,
            default=_dataclass_default(field),
            required=field.init and _dataclass_default(field) is None,
            lasting=field.init,
        )
        for field in dataclasses.fields(cls)
    )


def _dataclass_default(field: dataclasses.Field[Any]) -> Callable[[], Any] | None:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory
    return None if field.default is dataclasses.MISSING else _constant(field.default)


def _attrs_fields(cls: Any) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=attribute.name,
            names=(attribute.name, attribute.alias),
            parameter=attribute.alias if attribute.init else None,
            default=_attrs_default(attribute),
            required=attribute.init and attribute.default is library_class("attr", "NOTHING"),
            lasting=attribute.init,
        )
        for attribute in cls.__attrs_attrs__
    )


def _attrs_default(attribute: Any) -> Callable[[], Any] | None:
    default = attribute.default
    if default is library_class("attr", "NOTHING"):
        return None
    if isinstance(default, library_class("attr", "Factory")):
        # A factory that wants the instance can not run before there is one: such a field must be in the data.
        factory: Callable[[], Any] | None = None if default.takes_self else default.factory
        return factory
    return _constant(default)


def _msgspec_fields(cls: Any) -> tuple[Field, ...]:
    names, external, defaults = cls.__struct_fields__, cls.__struct_encode_fields__, cls.__struct_defaults__
    none = library_class("msgspec", "NODEFAULT")
    padded = (none,) * (len(names) - len(defaults)) + defaults
    # The constructor fills in the defaults, so none is given here.
    return tuple(
        Field(
            name=name,
            names=(name, key),
            parameter=name,
            default=None,
            required=default is none,
            lasting=default is none,
        )
        for name, key, default in zip(names, external, padded, strict=True)
    )


def _named_tuple_fields(cls: Any) -> tuple[Field, ...]:
    defaults = cls._field_defaults
    return tuple(
        Field(
            name=name,
            names=(name,),
            parameter=name,
            default=_constant(defaults[name]) if name in defaults else None,
            required=True,
        )
        for name in cls._fields
    )


def _pydantic_fields(cls: Any) -> tuple[Field, ...]:
    return tuple(
        Field(
            name=name,
            names=(name,),
            parameter=name,
            default=None if field.is_required() else _pydantic_default(field),
            required=True,
            hint=field.annotation,
        )
        for name, field in cls.model_fields.items()
    )


def _pydantic_default(field: Any) -> Callable[[], Any] | None:
    if getattr(field, "default_factory_takes_validated_data", False):
        return None
    return lambda: field.get_default(call_default_factory=True)


def _rebuild_model(cls: Any, values: dict[str, Any]) -> Any:
    """As pydantic's ``model_construct`` does it, without aliases and without ``model_post_init``."""
    unset, extra = values.pop(UNSET), values.pop(EXTRA)
    if cls.model_config.get("extra") != "allow":
        extra = None
    instance = object.__new__(cls)
    object.__setattr__(instance, "__dict__", values)
    object.__setattr__(instance, "__pydantic_fields_set__", values.keys() - unset)
    object.__setattr__(instance, "__pydantic_extra__", extra)
    object.__setattr__(instance, "__pydantic_private__", _private_defaults(cls, values))
    return instance


def _private_defaults(cls: Any, fields: dict[str, Any]) -> dict[str, Any] | None:
    undefined = library_class("pydantic_core", "PydanticUndefined")
    private: dict[str, Any] = {}
    for name, attribute in cls.__private_attributes__.items():
        # Not through get_default, whose parameters differ between the versions of pydantic.
        factory = attribute.default_factory
        if factory is None and attribute.default is not undefined:
            private[name] = copy.deepcopy(attribute.default)
        elif factory is not None:
            wants_fields = getattr(attribute, "default_factory_takes_validated_data", False)
            private[name] = factory({**fields, **private}) if wants_fields else factory()
    return private if cls.__private_attributes__ else None


DATACLASS = Kind("dataclass", _dataclass_fields, _set_fields)
ATTRS = Kind("attrs", _attrs_fields, _set_fields)
NAMED_TUPLE = Kind(
    "named tuple", _named_tuple_fields, lambda cls, values: tuple.__new__(cls, [values[n] for n in cls._fields])
)
MSGSPEC = Kind("msgspec", _msgspec_fields, lambda cls, values: cls(**values))
PYDANTIC = Kind("pydantic", _pydantic_fields, _rebuild_model)
