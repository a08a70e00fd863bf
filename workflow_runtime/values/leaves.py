"""Values without parts that JSON lacks: times, exact numbers, bytes, paths. Each is written as a tagged object of text."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from workflow_runtime.events import Json
from workflow_runtime.values.refusal import Refusal

TAG = "$type"
_PLAIN_INT_BITS = (
    2000  # below the least limit on decimal digits that Python allows (640), so that json can always read it
)
_SPLIT_PAIR = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")


def survives_json(text: str) -> bool:
    """Whether JSON gives the text back: two lone surrogates side by side would come back as one character."""
    return text.isascii() or not _SPLIT_PAIR.search(text)


def write_text(value: str) -> Json:
    """Text as it is, or in parts where JSON would join two surrogates."""
    if value.isascii() or not _SPLIT_PAIR.search(value):
        return value
    return {TAG: "str", "parts": _SPLIT_PAIR.split(value)}


def write_int(value: int) -> Json:
    """An integer as it is, or in hex where it is too long for decimal text."""
    return value if value.bit_length() <= _PLAIN_INT_BITS else {TAG: "int", "hex": hex(value)}


def write_float(value: float) -> Json:
    """A float as it is, or by name when JSON has no text for it."""
    return value if math.isfinite(value) else {TAG: "float", "value": repr(value)}


def _write_zone(zone: tzinfo | None) -> dict[str, Json]:
    if zone is None or zone is UTC:
        return {}
    if type(zone) is ZoneInfo:
        if zone.key is None:
            raise Refusal("cannot serialize a ZoneInfo without a key; make it as ZoneInfo('Area/City')")
        return {"zone": zone.key}
    offset = zone.utcoffset(None)
    if offset is None:
        raise Refusal(f"cannot serialize time zone {type(zone)}; use zoneinfo.ZoneInfo or datetime.timezone")
    name = zone.tzname(None) if type(zone) is timezone else None
    # A constant offset made by another library (pydantic's TzInfo, say) comes back as datetime.timezone.
    return {} if name is None or name == timezone(offset).tzname(None) else {"name": name}


def _write_moment(value: datetime | time) -> Json:
    data = {TAG: type(value).__name__, "value": value.isoformat(), **_write_zone(value.tzinfo)}
    if value.fold:
        data["fold"] = 1
    return data


def _read_zone(data: Mapping[str, Json], offset: timedelta | None) -> tzinfo | None:
    if "zone" in data:
        try:
            return ZoneInfo(data["zone"])
        except (OSError, KeyError, ValueError) as error:
            raise Refusal(f"time zone {data['zone']!r} is not known here; install the tzdata package") from error
    if offset is None:
        return None
    return timezone(offset, data["name"]) if "name" in data else timezone(offset)


def _read_datetime(data: Mapping[str, Json]) -> datetime:
    value = datetime.fromisoformat(data["value"])
    return value.replace(tzinfo=_read_zone(data, value.utcoffset()), fold=data.get("fold", 0))


def _read_time(data: Mapping[str, Json]) -> time:
    value = time.fromisoformat(data["value"])
    return value.replace(tzinfo=_read_zone(data, value.utcoffset()), fold=data.get("fold", 0))


def _write_timedelta(value: timedelta) -> Json:
    return {TAG: "timedelta", "days": value.days, "seconds": value.seconds, "microseconds": value.microseconds}


def _write_fraction(value: Fraction) -> Json:
    return {TAG: "Fraction", "numerator": write_int(value.numerator), "denominator": write_int(value.denominator)}


def _write_complex(value: complex) -> Json:
    return {TAG: "complex", "real": write_float(value.real), "imag": write_float(value.imag)}


def _write_range(value: range) -> Json:
    return {TAG: "range", "start": write_int(value.start), "stop": write_int(value.stop), "step": write_int(value.step)}


def _write_bytes(value: bytes | bytearray) -> Json:
    return {TAG: type(value).__name__, "value": base64.b64encode(value).decode("ascii")}


def _write_str(value: object) -> Json:
    return {TAG: type(value).__name__, "value": write_text(str(value))}


def _write_path(value: PurePath) -> Json:
    # A path of the machine itself is "Path", whatever its kind is called there.
    return {TAG: "Path", "value": write_text(str(value))}


LEAF_WRITERS: dict[type, Callable[[Any], Json]] = {
    bytes: _write_bytes,
    bytearray: _write_bytes,
    complex: _write_complex,
    date: lambda value: {TAG: "date", "value": value.isoformat()},
    datetime: _write_moment,
    Decimal: _write_str,
    float: write_float,
    Fraction: _write_fraction,
    int: write_int,
    PurePosixPath: _write_str,
    PureWindowsPath: _write_str,
    range: _write_range,
    str: write_text,
    time: _write_moment,
    timedelta: _write_timedelta,
    type(Path()): _write_path,
    UUID: _write_str,
}
"""How a value of exactly this type is written."""


def _number(data: Json) -> Any:
    return _READERS[data[TAG]](data) if type(data) is dict else data


def _text(data: Json) -> Any:
    return _read_text(data) if type(data) is dict else data


def _read_text(data: Mapping[str, Json]) -> str:
    return "".join(data["parts"])


def _read_range(data: Mapping[str, Json]) -> range:
    return range(_number(data["start"]), _number(data["stop"]), _number(data["step"]))


def _read_timedelta(data: Mapping[str, Json]) -> timedelta:
    return timedelta(data["days"], data["seconds"], data["microseconds"])


_READERS: dict[str, Callable[[Mapping[str, Json]], object]] = {
    "bytes": lambda data: base64.b64decode(data["value"], validate=True),
    "bytearray": lambda data: bytearray(base64.b64decode(data["value"], validate=True)),
    "complex": lambda data: complex(_number(data["real"]), _number(data["imag"])),
    "date": lambda data: date.fromisoformat(data["value"]),
    "datetime": _read_datetime,
    "Decimal": lambda data: Decimal(data["value"]),
    "float": lambda data: float(data["value"]),
    "Fraction": lambda data: Fraction(_number(data["numerator"]), _number(data["denominator"])),
    "int": lambda data: int(data["hex"], 16),
    "Path": lambda data: Path(_text(data["value"])),
    "PurePosixPath": lambda data: PurePosixPath(_text(data["value"])),
    "PureWindowsPath": lambda data: PureWindowsPath(_text(data["value"])),
    "range": _read_range,
    "str": _read_text,
    "time": _read_time,
    "timedelta": _read_timedelta,
    "UUID": lambda data: UUID(data["value"]),
}

LEAF_TAGS = frozenset(_READERS)


def read_leaf(data: Mapping[str, Json]) -> object:
    """The value that a tagged leaf stands for. Raises ``Refusal`` when the data is not what the tag promises."""
    try:
        return _READERS[data[TAG]](data)
    except Refusal:
        raise
    except (TypeError, ValueError, KeyError, ArithmeticError, AttributeError) as error:
        raise Refusal(f"not a valid {data[TAG]}: {type(error).__name__}: {error}") from error


_FROM_TEXT: dict[type, Callable[[str], object]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
    UUID: UUID,
}  # the most derived type first: a datetime is a date


def converter_for(cls: type) -> Callable[[str], object] | None:
    """How plain text becomes a value of that class; it raises ``ValueError`` or ``ArithmeticError``. None when text stays text."""
    return next((convert for kind, convert in _FROM_TEXT.items() if issubclass(cls, kind)), None)
