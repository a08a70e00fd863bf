"""One chunk of a stream as bytes: a tag, then raw bytes or a value as JSON text in UTF-8."""

from __future__ import annotations

import json
from typing import Any

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode, encode

_RAW = b"\x00"
_VALUE = b"\x01"


def chunk_of(value: object, where: str) -> bytes:
    """``value`` as a chunk: bytes as they are, anything else as the values of steps are stored.

    Raises ``SerializationError`` with the path to what can not be stored, which starts with ``where``.
    """
    if type(value) is bytes:
        return _RAW + value
    data = encode(value, where=where)
    try:
        return _VALUE + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which no UTF-8 text can hold
        return _VALUE + json.dumps(data, separators=(",", ":")).encode("ascii")


def value_of(chunk: bytes, where: str) -> Any:
    """What was written. Raises ``SerializationError`` when this process does not know a class in it."""
    kind, body = chunk[:1], chunk[1:]
    if kind == _RAW:
        return body
    if kind != _VALUE:
        raise SerializationError(f"{where}: not a chunk that this version can read; upgrade the reader")
    return decode(json.loads(body), where=where)


def json_text(chunk: bytes, where: str) -> bytes:
    """A chunk as one line of JSON, in which bytes are ``{"$type": "bytes", "value": "<base64>"}``."""
    if chunk[:1] == _VALUE:
        return chunk[1:]
    return json.dumps(encode(value_of(chunk, where)), separators=(",", ":")).encode("ascii")
