"""What a machine wants, and what it needs to know of the code it runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.values import Classes


class ContinueAsNew(BaseException):
    """Ends the workflow's function: a new run of the same workflow goes on, with ``call`` as its encoded input.

    Like a cancellation it passes by ``except Exception``.
    """

    def __init__(self, call: Json) -> None:
        super().__init__("continue_as_new() ends the workflow's function; let it pass")
        self.call = call


@dataclass(frozen=True, slots=True)
class Command:
    """One decision that is not in the log yet. ``where`` is the user's source line that made it, for messages only."""

    kind: EventKind
    entity: str = ""
    data: Mapping[str, Json] = field(default_factory=dict)
    where: str = field(default="", compare=False)

    def event(self, time: float) -> Event:
        """The event that this decision becomes when it is made at ``time`` (unix seconds)."""
        return Event(self.kind, time, self.entity, self.data)

    def matches(self, event: Event) -> bool:
        """Whether ``event`` is this very decision."""
        if event.kind is EventKind.HOOK_CONFLICT:  # how the world answers when the token is taken
            event = Event(EventKind.HOOK_CREATED, event.time, event.entity, {**self.data, "token": event.data["token"]})
        return self.kind == event.kind and self.entity == event.entity and self.data == event.data


class Program(Protocol):
    """Workflow code that is ready to run: one workflow's function and the classes that its values may have."""

    @property
    def entry(self) -> Callable[..., Coroutine[Any, Any, object]]:
        """The workflow function."""

    @property
    def classes(self) -> Classes:
        """Which classes the workflow's code knows."""

    def describe(self, filename: str, line: int) -> str | None:
        """``path:line`` when the file belongs to the workflow's code; None when it does not."""

    def readable(self, error: Json) -> Json:
        """The encoded error with the names that the user's code has, wherever the sandbox's own names got into its
        texts.
        """

    def take_place(self) -> None:
        """Called before the code runs: whatever looks its modules up by name finds those of this execution."""

    def release(self) -> None:
        """Forget what was made for this one run."""
