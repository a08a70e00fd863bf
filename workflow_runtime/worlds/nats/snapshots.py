"""A replica as bytes, so that who comes later need not read the whole stream: a line of JSON for each run and each message, compressed."""

from __future__ import annotations

import base64
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Json
from workflow_runtime.worlds.base import HookInfo, RunInfo, RunStatus
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.entities import StepState, StepStatus, WaitStatus
from workflow_runtime.worlds.nats.leases import Leases
from workflow_runtime.worlds.nats.queue import Kept
from workflow_runtime.worlds.nats.replica import VERSION, Replica
from workflow_runtime.worlds.nats.runs import KeptStream, Life
from workflow_runtime.worlds.nats.wire import pack_message, unpack_message
from workflow_runtime.worlds.records import Watch


def dump(replica: Replica) -> Iterator[str]:
    """The replica, a line each."""
    queue, leases = replica.state.queue, replica.leases
    yield _text(
        {
            "rules": VERSION,
            "applied": replica.applied,
            "snapshot_at": replica.snapshot_at,
            "recent": [*replica.recent],
            "doomed": replica.doomed,
            "leases": [leases.heard, leases.lengths, leases.last],
            "alive": sorted(queue.alive),
            "paused": sorted(queue.gates.paused),
            "places": {name: sorted(runs) for name, runs in queue.gates.places.items() if runs},
            "takings": queue.gates.takings,
            "next_number": queue.next_number,
            "next_run": replica.state.runs.next_number,
            "runs": len(replica.state.runs.infos),
        }
    )
    for run in replica.state.runs.infos.values():
        yield _text(_dump_run(replica, run))
    for kept in queue.messages.values():
        claim = None if kept.claim is None else _values(kept.claim)
        yield _text([pack_message(kept.message), kept.ready_at, kept.number, claim, kept.count])


def compress(lines: list[str]) -> bytes:
    """The lines as bytes."""
    return zlib.compress("\n".join(lines).encode(), 1)


def restore(data: bytes) -> Replica:
    """The replica that ``compress`` has made of what ``dump`` gave. Raises ``WorldError`` when it is of a newer version."""
    lines = iter(zlib.decompress(data).decode().split("\n"))
    head = json.loads(next(lines))
    if head["rules"] > VERSION:
        raise WorldError(
            f"the namespace's snapshot was written by a newer version of this package, with rules {head['rules']} and not {VERSION}; run "
            "the same version in all processes of the namespace"
        )
    replica = Replica(
        applied=head["applied"],
        snapshot_at=head["snapshot_at"],
        recent=OrderedDict.fromkeys(head["recent"]),
        doomed=[(run_id, place) for run_id, place in head["doomed"]],
        leases=Leases(*head["leases"]),
    )
    queue = replica.state.queue
    queue.alive.update(head["alive"])
    queue.gates.paused.update(head["paused"])
    queue.gates.places.update({name: set(runs) for name, runs in head["places"].items()})
    queue.gates.takings.update(head["takings"])
    queue.next_number = head["next_number"]
    for _ in range(head["runs"]):
        _restore_run(replica, json.loads(next(lines)))
    replica.state.runs.next_number = head["next_run"]
    for line in lines:
        message, ready_at, number, claim, count = json.loads(line)
        queue.restore(Kept(unpack_message(message), ready_at, number, claim and Claim(*claim), count))
    return replica


def _dump_run(replica: Replica, run: RunInfo) -> list[Json]:
    runs = replica.state.runs
    streams = {name: [kept.pieces, kept.length, kept.closed] for name, kept in runs.streams.get(run.id, {}).items()}
    life = runs.lives.get(run.id)
    what = base64.b64encode(runs.ended_logs[run.id]).decode() if life is None else _dump_life(life)
    return [_values(run), runs.numbers[run.id], streams, what]


def _dump_life(life: Life) -> list[Json]:
    return [
        life.log,
        {step_id: _values(step) for step_id, step in life.steps.items()},
        life.waits,
        [[slot, _values(hook)] for slot, hook in life.hooks.values()],
        [_values(watch) for watch in life.watches.values()],
        sorted(life.keys),
        life.has_children,
    ]


def _restore_run(replica: Replica, packed: list[Any]) -> None:
    values, number, streams, what = packed
    runs = replica.state.runs
    values[_STATUS_OF_RUN] = RunStatus(values[_STATUS_OF_RUN])
    run = RunInfo(*values)
    runs.add(run, number)
    if streams:
        runs.streams[run.id] = {
            name: KeptStream([(place, count) for place, count in pieces], length, closed)
            for name, (pieces, length, closed) in streams.items()
        }
    if isinstance(what, str):
        runs.ended_logs[run.id] = base64.b64decode(what)
    else:
        _restore_life(replica, run.id, what)


def _restore_life(replica: Replica, run_id: str, packed: list[Any]) -> None:
    log, steps, waits, hooks, watches, keys, has_children = packed
    life = replica.state.runs.lives[run_id]
    life.log = log
    for step_id, (status, *more) in steps.items():
        life.steps[step_id] = StepState(StepStatus(status), *more)
    life.waits = {wait_id: WaitStatus(status) for wait_id, status in waits.items()}
    for slot, hook in hooks:
        replica.state.hooks.add(HookInfo(*hook), slot)
    for watch in watches:
        replica.state.runs.save_watch(Watch(*watch))
    life.keys = {(hook_id, key) for hook_id, key in keys}
    life.has_children = has_children


def _values(record: Any) -> list[Json]:
    return [getattr(record, field.name) for field in fields(record)]


def _text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


_STATUS_OF_RUN = [field.name for field in fields(RunInfo)].index("status")
