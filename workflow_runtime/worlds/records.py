"""What ``rules`` needs of a storage: reading and writing records inside one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from workflow_runtime.events import Event
from workflow_runtime.worlds.base import HookInfo, Message, RunInfo, StreamInfo
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent
from workflow_runtime.worlds.entities import StepState, StepStatus, WaitStatus
from workflow_runtime.worlds.signals import Topic


@dataclass(frozen=True, slots=True)
class Watch:
    """A run's wait for the end of ``target``, which is None when there is nobody to wait for."""

    run_id: str
    watch_id: str
    target: str | None
    done: bool = False
    """Whether the log has its ``watch_completed``."""


class HookRecords(Protocol):
    """The live hooks, and the keys of the payloads that hooks have had."""

    def by_token(self, token: str) -> HookInfo | None:
        """The live hook that has the token."""

    def has(self, run_id: str, hook_id: str) -> bool:
        """Whether the hook lives."""

    def add(self, hook: HookInfo, slot: int) -> None:
        """Keep a hook that was created at ``slot``; nobody else has its token."""

    def remove(self, run_id: str, hook_id: str) -> None:
        """Forget the hook, so that its token is free."""

    def remove_all(self, run_id: str) -> None:
        """Forget all hooks of the run."""

    def has_had(self, run_id: str, hook_id: str, key: str) -> bool:
        """Whether a payload with that key has landed, be the hook live or not."""

    def keep_key(self, run_id: str, hook_id: str, key: str) -> None:
        """Remember that a payload with that key has landed."""


class WatchRecords(Protocol):
    """The watches of all runs."""

    def get(self, run_id: str, watch_id: str) -> Watch | None:
        """The watch, if the log knows it."""

    def save(self, watch: Watch) -> None:
        """Keep the watch as it is now."""

    def of(self, target: str) -> Sequence[Watch]:
        """The watches of that run, by the ids of who watches and of the watch."""


class StreamRecords(Protocol):
    """The streams. ``closed`` is what ``close`` has made of it: that a run's end closes its streams is not written down."""

    def get(self, run_id: str, name: str) -> StreamInfo | None:
        """The stream, if somebody has written to it or closed it."""

    def append(self, run_id: str, name: str, chunks: Sequence[bytes]) -> None:
        """Keep the chunks at the stream's end, and make it when it is not there."""

    def close(self, run_id: str, name: str) -> None:
        """Keep that it is closed, and make it when it is not there."""


class Records(Protocol):
    """The storage inside one transaction."""

    @property
    def hooks(self) -> HookRecords:
        """The hooks."""

    @property
    def watches(self) -> WatchRecords:
        """The watches."""

    @property
    def streams(self) -> StreamRecords:
        """The streams."""

    def ring(self, topic: Topic) -> None:
        """Wake those who wait for ``topic`` once the transaction stands."""

    def run(self, run_id: str) -> RunInfo | None:
        """The run, if there is one."""

    def add_run(self, run: RunInfo) -> None:
        """Keep a new run."""

    def save_run(self, run: RunInfo, before: RunInfo) -> None:
        """Keep the run as it is now, and tell those who wait for it when its status is another than before."""

    def add_child(self, run_id: str) -> None:
        """Keep that the run has started another."""

    def has_children(self, run_id: str) -> bool:
        """Whether the run has started another."""

    def append(self, run_id: str, after: int, batch: Sequence[EncodedEvent]) -> None:
        """Keep events at the slots from ``after`` + 1 on, which are free."""

    def events(self, run_id: str, after: int) -> tuple[Event, ...]:
        """The events after slot ``after``."""

    def event(self, run_id: str, slot: int) -> Event:
        """The event at a slot that is taken."""

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """The step, if the log knows it."""

    def save_step(self, run_id: str, step_id: str, step: StepState) -> None:
        """Keep the step as it is now."""

    def end_step(self, run_id: str, step_id: str, status: StepStatus) -> None:
        """Keep that the step has ended, and how; all else that is known of it stays."""

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """The wait, if the log knows it."""

    def save_wait(self, run_id: str, wait_id: str, status: WaitStatus) -> None:
        """Keep the wait as it is now."""

    def in_queue(self, message_id: str) -> bool:
        """Whether the message is in the queue, in hand or not."""

    def in_hand(self, message_id: str) -> bool:
        """Whether somebody who lives has the message in hand."""

    def hasten(self, key: str, ready_at: float) -> bool:
        """Make the message with ``key`` that nobody has in hand due at ``ready_at`` at the latest. False when there is none."""

    def drop_key(self, key: str) -> None:
        """Remove the message with ``key``, unless somebody has it in hand."""

    def put(self, message: Message, ready_at: float) -> None:
        """Keep a new message, and tell those who receive."""

    def remove(self, claim: Claim) -> None:
        """Remove the claimed message, if the claim still holds, and tell those who receive when that makes room in a limit."""

    def drop_idle(self, run_id: str) -> None:
        """Remove the run's messages that nobody has in hand."""

    def free_places(self, run_id: str) -> None:
        """Let go of the places that the run holds under limits, and tell those who receive when it has held any."""
