"""The adapters that are installed, ours and third parties' alike, one per target framework."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from workflow_build.adapters.base import Adapter

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP = "workflow_build.adapters"


def adapter_names() -> tuple[str, ...]:
    """The targets that can be built, sorted."""
    return tuple(sorted({point.name for point in _points()}))


@cache
def load_adapter(name: str) -> Adapter:
    """The adapter of one target. Raises ``KeyError`` when none has that name."""
    points = _points().select(name=name)
    if not points:
        raise KeyError(name)
    adapter: Adapter = next(iter(points)).load()
    return adapter


def load_adapters() -> tuple[Adapter, ...]:
    """All adapters, sorted by name."""
    return tuple(load_adapter(name) for name in adapter_names())


def handler_module(package: str, target: str) -> str:
    """The dotted name of a target's handler module in the written package."""
    return f"{package}.{target.replace('-', '_')}"


@cache
def _points() -> EntryPoints:
    from importlib.metadata import entry_points  # slow to load, and most commands do not look adapters up

    return entry_points(group=GROUP)
