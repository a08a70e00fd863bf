"""The state that all processes agree on, because each applies the same operations in the stream's order.

Nothing here may depend on anything but the operations before: no clock, no chance, no environment. The time of an operation is what the
stream's leader wrote on it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow_runtime.errors import WorkflowError
from workflow_runtime.worlds import rules, streaming
from workflow_runtime.worlds.base import StreamWriter
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.landing import send
from workflow_runtime.worlds.nats.leases import Leases
from workflow_runtime.worlds.nats.state import State
from workflow_runtime.worlds.nats.wire import Operation, place_of_chunk, unpack_event, unpack_message, unpack_run

VERSION = 1
"""Of the rules: replicas that apply an operation differently come to different states. To be raised with each change of what one does."""
_REMEMBERED = 5_000
"""How many operations back one is known that was stored twice; the server itself drops repetitions for two minutes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation has come to: a result, or the error that its caller gets."""

    result: Any = None
    error: WorkflowError | None = None


@dataclass(slots=True)
class Replica:
    """The state after the operation at ``applied``."""

    state: State = field(default_factory=State)
    leases: Leases = field(default_factory=Leases)
    applied: int = 0
    recent: OrderedDict[str, None] = field(default_factory=OrderedDict)
    doomed: list[tuple[str, int]] = field(default_factory=list)
    """The runs that have been deleted, and where; their messages are still in the stream."""
    snapshot_at: int = 0
    """Where the last snapshot was taken that has been told of."""

    def apply(self, sequence: int, time: float, operation: Operation) -> Outcome | None:
        """Bring the state up to the operation at ``sequence``. None when it has been applied before."""
        if operation["v"] > VERSION:
            raise ValueError(
                f"it was written by a newer version of this package, with rules {operation['v']} and not {VERSION}"
            )
        name = operation["id"]
        if name in self.recent:
            self.applied = sequence
            return None
        work = _WORK[operation["do"]]
        self.recent[name] = None
        if len(self.recent) > _REMEMBERED:
            self.recent.popitem(last=False)
        self.leases.hear(operation.get("w"), time)
        outcome = self.state.transact(lambda state: self._outcome(state, lambda: work(self, operation, sequence, time)))
        self.applied = sequence
        return outcome

    def _outcome(self, state: State, work: Callable[[], Any]) -> Outcome:
        try:
            return Outcome(work())
        except WorkflowError as error:
            return Outcome(error=error)
        finally:
            state.settle()

    def due_snapshot(self, keep: int) -> bool:
        """Whether so many operations have come since the last snapshot that it is time for another."""
        return self.applied - self.snapshot_at > max(keep, 2 * len(self.state.runs.infos))

    def pass_over(self, sequence: int) -> None:
        """A message at ``sequence`` is no operation."""
        self.applied = sequence


def _create(replica: Replica, asked: Operation, sequence: int, time: float) -> Any:
    log = [unpack_event(packed, sequence) for packed in asked["log"]]
    sends = [unpack_message(packed) for packed in asked["sends"]]
    return rules.create_run(replica.state, unpack_run(asked["run"], sequence), time, log, sends)


def _commit(replica: Replica, asked: Operation, sequence: int, time: float) -> Any:
    batch = [unpack_event(packed, sequence) for packed in asked["events"]]
    sends = [unpack_message(packed) for packed in asked.get("sends", ())]
    runs = [unpack_run(packed, sequence) for packed in asked.get("runs", ())]
    return rules.commit(replica.state, asked["run"], asked["after"], batch, sends, _claim(asked.get("ack")), runs, time)


def _record(replica: Replica, asked: Operation, sequence: int, time: float) -> Any:
    sends = [unpack_message(packed) for packed in asked.get("sends", ())]
    fact = unpack_event(asked["event"], sequence)
    return rules.record(replica.state, asked["run"], fact, sends, _claim(asked.get("ack")), time)


def _start(replica: Replica, asked: Operation, _sequence: int, _time: float) -> Any:
    answer = rules.start_step(replica.state, asked["run"], asked["step"], asked["message"], asked["now"])
    step = replica.state.step(asked["run"], asked["step"])
    created = replica.state.event(asked["run"], step.created_slot) if step is not None and answer.attempt else None
    return answer, created


def _send(replica: Replica, asked: Operation, _sequence: int, time: float) -> None:
    send(replica.state, unpack_message(asked["message"]), time)


def _take(replica: Replica, asked: Operation, _sequence: int, time: float) -> Any:
    if asked["w"] not in replica.state.queue.alive:
        return []
    return replica.state.queue.take(asked["w"], asked["limit"], time)


def _take_one(replica: Replica, asked: Operation, _sequence: int, time: float) -> Any:
    if asked["w"] not in replica.state.queue.alive:
        return []
    held = _claim(asked.get("held"))
    taken = None if held is None else replica.state.queue.take_over(held, asked["w"])
    taken = taken or replica.state.queue.take_one(asked["message"], asked["w"], time)
    return [] if taken is None else [taken]


def _ack(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    replica.state.queue.remove(Claim(*asked["claim"]))


def _again(replica: Replica, asked: Operation, _sequence: int, time: float) -> None:
    after = asked.get("after")
    for packed in asked["claims"]:
        replica.state.queue.hand_back(Claim(*packed), None if after is None else time + after)


def _chunks(replica: Replica, asked: Operation, sequence: int, _time: float) -> int:
    chunks = [place_of_chunk(sequence, number) for number in range(asked["count"])]
    return streaming.write_chunks(replica.state, asked["run"], asked["stream"], chunks, _writer(asked))


def _close_stream(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    streaming.close_stream(replica.state, asked["run"], asked["stream"], _writer(asked))


def _pause(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    replica.state.queue.pause(asked["workflow"])


def _unpause(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    replica.state.queue.unpause(asked["workflow"])


def _delete(replica: Replica, asked: Operation, sequence: int, _time: float) -> int:
    doomed = replica.state.delete_ended(asked["before"], asked["limit"])
    replica.doomed += [(run_id, sequence) for run_id in doomed]
    return len(doomed)


def _join(replica: Replica, asked: Operation, _sequence: int, time: float) -> None:
    replica.state.queue.alive.add(asked["w"])
    replica.leases.begin(asked["w"], asked["lease"], time)


def _leave(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    _die(replica, asked["w"])


def _bury(replica: Replica, asked: Operation, _sequence: int, time: float) -> None:
    if replica.leases.is_over(asked["dead"], time):
        _die(replica, asked["dead"])


def _beat(_replica: Replica, _asked: Operation, _sequence: int, _time: float) -> None:
    """That it was heard is all that a beat is for."""


def _snapshot(replica: Replica, asked: Operation, _sequence: int, _time: float) -> None:
    """Somebody has kept a snapshot of the state at a place, and removed what was doomed then."""
    replica.snapshot_at = max(replica.snapshot_at, asked["at"])
    replica.doomed = [(run_id, place) for run_id, place in replica.doomed if place > asked["at"]]


def _die(replica: Replica, worker: str) -> None:
    replica.leases.end(worker)
    replica.state.queue.bury(worker)


def _claim(packed: list[Any] | None) -> Claim | None:
    return None if packed is None else Claim(*packed)


def _writer(asked: Operation) -> StreamWriter | None:
    return None if asked["writer"] is None else StreamWriter(*asked["writer"])


_WORK: Mapping[str, Callable[[Replica, Operation, int, float], Any]] = {
    "create": _create,
    "commit": _commit,
    "record": _record,
    "start": _start,
    "send": _send,
    "take": _take,
    "take_one": _take_one,
    "ack": _ack,
    "again": _again,
    "chunks": _chunks,
    "close_stream": _close_stream,
    "pause": _pause,
    "unpause": _unpause,
    "delete": _delete,
    "join": _join,
    "leave": _leave,
    "bury": _bury,
    "beat": _beat,
    "snapshot": _snapshot,
}
