"""A whole build, as it can be told again when neither the source nor the output has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_build.cache import codec
from workflow_build.cache.store import Store
from workflow_build.compiled import Compiled
from workflow_build.model import Config
from workflow_build.write import retained_bundles

KIND = "build"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a build found out, and what it left in the output folder."""

    config: Config
    compiled: Compiled
    outputs: Mapping[str, str]
    """The digest of each written file, by path. Empty when the build was stopped."""
    bundles: tuple[str, ...]
    """The bundles in the output folder: older ones are listed in what is written."""


def finished(config: Config, compiled: Compiled, files: Mapping[str, str]) -> Finished:
    """What is to be kept of a build that has just been written."""
    if compiled.stopped:
        return Finished(config, compiled, {}, ())
    outputs = {path: _digest(text.encode()) for path, text in files.items()}
    return Finished(config, compiled, outputs, retained_bundles(config.out))


def keep(store: Store, key: str, done: Finished) -> None:
    """Put a build into the cache; ``key`` is all that it follows from."""
    store.put(KIND, key, codec.dump(Finished, done))


def known(store: Store, key: str) -> Finished | None:
    """The build of that key, if the output folder is still as it left it."""
    text = store.get(KIND, key)
    if text is None:
        return None
    try:
        done: Finished = codec.load(Finished, text)
    except codec.NotData:
        return None
    if done.compiled.stopped:
        return done
    out = done.config.out
    is_same = retained_bundles(out) == done.bundles and all(
        _digest(_bytes(out / path)) == digest for path, digest in done.outputs.items()
    )
    return done if is_same else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # no file that we write is empty


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
