"""The world: storage and queue behind one interface.

Each sentence of a docstring below is a promise, and ``workflow_runtime.testing.conformance`` has a test for it. All methods may be called from
any event loop of the process. Times are unix seconds. Any method raises ``WorldError`` when the storage fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from workflow_runtime.events import Event
from workflow_runtime.worlds.types import (
    Chunks,
    Committed,
    HookInfo,
    Limit,
    Log,
    Message,
    NewRun,
    Queued,
    QueueDepth,
    Recorded,
    Refused,
    RunInfo,
    RunStatus,
    StartStatus,
    StepStart,
    StreamInfo,
    StreamWriter,
    UnstorableError,
    WorldClosedError,
)

__all__ = [
    "Chunks",
    "Committed",
    "Delivery",
    "HookInfo",
    "Limit",
    "Log",
    "Message",
    "NewRun",
    "QueueDepth",
    "Queued",
    "Recorded",
    "Refused",
    "RunInfo",
    "RunStatus",
    "StartStatus",
    "StepStart",
    "StreamInfo",
    "StreamWriter",
    "UnstorableError",
    "World",
    "WorldClosedError",
]


class Delivery(Protocol):
    """One message in the hands of one handler. While it is neither acked nor handed back and its owner lives, nobody else gets it."""

    @property
    def message(self) -> Message:
        """The message as it was sent."""

    @property
    def count(self) -> int:
        """How often this message has been delivered, this time included."""

    @property
    def receipt(self) -> str:
        """Names this taking in hand: short plain text with which another may take the message over; see ``World.take``."""

    @property
    def log(self) -> Log | None:
        """The message's run as it was when the message was taken in hand, if the world knew it without asking."""

    async def ack(self) -> None:
        """Remove the message for good. Does nothing when it is gone already."""

    async def again(self, after: float = 0.0) -> None:
        """Hand the message back, to be delivered again ``after`` seconds from now, with the same id."""

    async def extend(self) -> bool:
        """Say that the handler lives, and learn whether to go on: False once the run, or the step that the message is about, has ended,
        or another has the message. A message that cancels children is about a run that has ended, and goes on.
        """


class World(Protocol):
    """Storage and queue of runs."""

    async def open(self) -> None:
        """Make ready, creating the storage when it is not there. Opening twice is opening once."""

    async def close(self) -> None:
        """Let go of everything: messages in hand go back to the queue at once. Closing twice is closing once."""

    async def create_run(
        self,
        run_id: str,
        created: Event,
        message: Message,
        *,
        log: Sequence[Event] = (),
        sends: Sequence[Message] = (),
    ) -> RunInfo:
        """Write the run with ``created`` (kind ``run_created``) in slot 1 and send its first message, in one transaction.

        ``log`` are events that follow it in the slots from 2 on, with all that they would have done one by one, and ``sends`` further
        messages: so a run is begun with the log of another. When the run is there already, write nothing and return it as it is.
        """

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """The run and its events after slot ``after``, at most ``limit`` of them. Raises ``RunNotFoundError``."""

    async def list_runs(
        self,
        *,
        status: RunStatus | Collection[RunStatus] | None = None,
        workflow: str | None = None,
        parent: str | None = None,
        attributes: Mapping[str, str] | None = None,
        prefix: str = "",
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[RunInfo]:
        """Runs that fit all that is given, newest first, at most ``limit``; with ``before``, a run's id, those that are older.

        ``attributes`` fit a run that has each of them, ``prefix`` one whose id begins with it, ``since`` and ``until`` one that was created
        at that time or later, and before that time. Raises ``RunNotFoundError`` when ``before`` is not there.
        """

    async def count_runs(
        self,
        *,
        workflow: str | None = None,
        attributes: Mapping[str, str] | None = None,
        since: float | None = None,
        until: float | None = None,
        at_most: int = 10_000,
    ) -> dict[RunStatus, int]:
        """How many runs of each status fit, all statuses named; none is counted further than ``at_most``."""

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """Remove runs that ended before that time, the oldest ends first, at most ``limit``, with all that belongs to them; gives how many.

        A run whose first parent lives stays until that has ended, and one whose message that ``cancels_children`` is in the queue until that is
        handled. What is removed is as if it had never been.
        """

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """Return once the run has ended. Raises ``TimeoutError`` after ``timeout`` seconds, ``RunNotFoundError``."""

    async def commit(
        self,
        run_id: str,
        after: int,
        events: Sequence[Event],
        *,
        sends: Sequence[Message] = (),
        ack: Delivery | None = None,
        runs: Sequence[NewRun] = (),
    ) -> Committed | Refused:
        """Append ``events``, send ``sends``, create ``runs`` and ack ``ack``, if the log still ends at slot ``after``; else write nothing
        at all.

        All of it is one transaction. The events take the slots ``after + 1`` and on. Nothing can follow the run's end. A run of ``runs``
        that is there already stays as it is. A ``hook_created`` whose token another hook has lands as ``hook_conflict``, with the
        owner's run id as ``run``; the answer has it as it landed. When the run ends, its messages that nobody has in hand are removed,
        its tokens are free, and its streams are closed; each watch of it gets a message, or watches its successor from then on when the
        run has been continued. A ``watch_created`` of a run that has ended, or is not there, gets its message at once;
        one of a run that has been continued watches the last of its chain.
        A ``wait_cancelled`` removes the message whose key is ``wait_key(run_id, wait)``, unless somebody has it in hand.
        Raises ``RunNotFoundError``, and ``UnstorableError`` when the events or messages can not be stored, whoever tries.
        """

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """Append one fact at whatever slot is next, send ``sends`` and ack ``ack``, in one transaction.

        When the entity's state forbids the fact (the run, the step, the wait or the hook has ended, the outcome's ``attempt`` is not the
        one that runs now, the hook has had a payload with that key), the fact and the sends are dropped, the ack still happens, and the
        answer says so. A fact that ends the run does what the end by ``commit`` does; a ``run_cancelled`` also sends the run, if its log has
        a ``child_created``, a message that ``cancels_children``. Raises ``RunNotFoundError``.
        """

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """Append ``step_started`` owned by ``message_id``, if the step may start now.

        It may when it is neither ended nor waiting for its retry time, and nobody else runs it. A step is run by the message under which it was
        started: that same message may start it again at once (its handler died), another only when the owning message is gone or
        in nobody's hands. Raises ``RunNotFoundError``.
        """

    async def send(self, message: Message) -> None:
        """Put a message in the queue. One with the id of a message that is in the queue is dropped.

        One with the ``key`` of a message that nobody has in hand is dropped too, and that one becomes due at the earlier time of the two. A
        message in work never swallows one.
        """

    async def receive(self, limit: int) -> list[Delivery]:
        """Wait until at least one message is due, and take up to ``limit`` in hand: those of the runs with the highest priority first, and of
        these the earliest due.

        A message with a ``limit`` is due when that has room: fewer than ``concurrency`` hold a place under its name, or its run holds one
        already; and ``every`` seconds have passed since the last taking under that name. A message of a run whose workflow is paused is not
        due. Cancelling the call loses nothing. A message whose owner has died without closing is delivered again.
        """

    async def take(self, message_id: str, receipt: str | None = None) -> Delivery | None:
        """Take that message in hand, if it is due and nobody has it; else None.

        With the ``receipt`` of the delivery that somebody has of it, take it over from them: their delivery does nothing any more, and this is
        no other delivery by count or limit. A receipt that holds no more is as none.
        """

    async def queue_depth(self) -> QueueDepth:
        """How many messages the queue has. Those that a limit or a pause keeps back are due."""

    async def list_messages(
        self, run_id: str | None = None, limit: int = 1000, *, only_news: bool = False
    ) -> list[Queued]:
        """The messages in the queue, of one run or of all, those that are ready first at the front. ``only_news``: those that ``tells_news``."""

    async def pause(self, workflow: str = "") -> None:
        """Deliver no message of that workflow's runs any more, of any when it is empty; what is in hand goes on. Pausing twice is pausing once."""

    async def unpause(self, workflow: str = "") -> None:
        """Take back ``pause(workflow)``, and nothing else that was paused."""

    async def paused(self) -> list[str]:
        """What has been paused, in order."""

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """The live hook that has the token."""

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """The live hooks of a run, in the order in which they were created."""

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """Append to the stream, making it when it is not there, all chunks or none; gives the index of the first of them.

        Raises ``StreamClosedError`` when the stream is closed or its run has ended, ``WriterLostError`` when ``writer`` does not run any
        more, ``RunNotFoundError``.
        """

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """Let nothing follow in the stream. Closing twice is closing once. Raises as ``write_chunks`` does, but for closed streams."""

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """Chunks from index ``start`` on, at most ``limit``; from the end when it is negative: -1 is the last one.

        When there is none, and the stream is not closed, wait up to ``wait`` seconds for one or for its end. A stream that nobody has written
        to is empty. Raises ``RunNotFoundError``.
        """

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """The run's streams, by name. Raises ``RunNotFoundError``."""

    async def put_bundle(self, bundle_hash: str, data: bytes, *, replace: bool = False) -> None:
        """Keep the data of a bundle under its hash; what is there already stays, unless it is to be replaced."""

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """The data of the bundle with that hash, if it is kept."""
