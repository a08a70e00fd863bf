"""The adapters that are installed, ours and third parties' alike, one per target framework."""

from __future__ import annotations

from importlib.metadata import entry_points

from workflow_build.adapters.base import Adapter

GROUP = "workflow_build.adapters"


def adapter_names() -> tuple[str, ...]:
    """The targets that can be built, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_adapter(name: str) -> Adapter:
    """The adapter of one target. Raises ``KeyError`` when none has that name."""
    points = entry_points(group=GROUP, name=name)
    if not points:
        raise KeyError(name)
    adapter: Adapter = next(iter(points)).load()
    return adapter


def load_adapters() -> tuple[Adapter, ...]:
    """All adapters, sorted by name."""
    return tuple(load_adapter(name) for name in adapter_names())
