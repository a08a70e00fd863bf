"""Attributes: a few short texts by which runs are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workflow_runtime import clock
from workflow_runtime.context import current_step
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.machine.current import running_machine
from workflow_runtime.process import process_world
from workflow_runtime.texts import checked_text

LONGEST = 256
"""Bytes of UTF-8 that a name and a value may have."""
MOST = 64
"""How many a run may have."""


async def set_attributes(attributes: Mapping[str, str | None]) -> None:
    """Set attributes of the run that is executing, in workflow code or in a step of it; None removes one.

    A run has at most 64; names and values are text of at most 256 bytes, and names that begin with ``$`` are not the user's. Raises
    ``ValueError`` or ``TypeError`` for what does not keep to that, ``WorkflowError`` outside of a run.
    """
    changes = _checked(attributes)
    machine = running_machine()
    if machine is not None:
        _check_count(machine.attributes, changes)
        machine.set_attributes(changes, machine.here())
        return
    step = current_step.get()
    if step is None:
        raise WorkflowError(
            "set_attributes() was called outside of a run; give them to start.options(attributes=…) when it is started"
        )
    world = await process_world()
    _check_count((await world.load(step.run_id, after=2**62)).run.attributes, changes)
    data = {"attributes": changes, "step": step.step_id}
    await world.record(step.run_id, Event(EventKind.ATTRIBUTES_SET, clock.now(), "", data))


def checked_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes, if a run may have them. Raises ``ValueError`` or ``TypeError``."""
    checked = {name: value for name, value in _checked(attributes).items() if value is not None}
    if missing := attributes.keys() - checked.keys():
        raise TypeError(f"attributes {', '.join(sorted(missing))} are None; leave them out")
    _check_count((), checked)
    return checked


def _checked(attributes: object) -> dict[str, str | None]:
    if not isinstance(attributes, Mapping):
        raise TypeError(f"attributes are a mapping of text to text, not {attributes!r}")
    checked: dict[str, str | None] = {}
    for key, value in attributes.items():
        name = checked_text("the name of an attribute", key, LONGEST)
        if not name or name.startswith("$"):
            raise ValueError(f"an attribute can not be named {name!r}; names that begin with $ are the runtime's own")
        checked[name] = None if value is None else checked_text(f"attribute {name!r}", value, LONGEST)
    return checked


def _check_count(known: Iterable[str], changes: Mapping[str, str | None]) -> None:
    kept = (set(known) | changes.keys()) - {name for name, value in changes.items() if value is None}
    if len(kept) > MOST:
        raise ValueError(
            f"the run would have {len(kept)} attributes, and may have {MOST}; remove some by setting them to None"
        )
