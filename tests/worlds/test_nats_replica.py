"""The replica's queue and runs do what the memory world does, whatever happens in whatever order, and also when they come from a snapshot."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from workflow_runtime.events import Event, EventKind
from workflow_runtime.ids import wait_key
from workflow_runtime.testing.harness import created, event, hook_created, hook_received, run_cancelled, watch_created
from workflow_runtime.worlds import memory_listing, rules
from workflow_runtime.worlds.base import Limit, Message, NewRun
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import encode_event, encode_run
from workflow_runtime.worlds.landing import send
from workflow_runtime.worlds.listing import wanted
from workflow_runtime.worlds.memory_store import MemoryStore
from workflow_runtime.worlds.nats import snapshots
from workflow_runtime.worlds.nats.replica import Replica

WORKFLOWS = ["workflow//a//one", "workflow//a//two"]
LIMITS = [
    None,
    None,
    Limit("l1", 1),
    Limit("l1", 2),
    Limit("l2", every=3.0),
    Limit("l3", 2, of_run=True),
    Limit("l4", 1, 2.0),
]


@dataclass
class Twins:
    """Both, the same done to each; what one gives must be what the other gives."""

    chance: random.Random
    memory: MemoryStore = field(default_factory=MemoryStore)
    replica: Replica = field(default_factory=Replica)
    now: float = 1000.0
    runs: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    held: list[tuple[Claim, Claim]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def step(self) -> None:
        """Do something, and compare."""
        self.now += self.chance.choice([0.0, 0.1, 1.0, 2.5])
        actions = [
            self.create,
            self.send,
            self.send,
            self.send,
            self.take,
            self.take,
            self.take,
            self.take_one,
            self.ack,
            self.ack,
        ]
        actions += [
            self.back,
            self.die,
            self.join,
            self.pause,
            self.unpause,
            self.end,
            self.fact,
            self.cancel_wait,
            self.delete,
        ]
        action = self.chance.choice(actions)
        self.done.append(action.__name__)
        action()
        self.replica.state.settle()
        self.compare()

    def create(self) -> None:
        run_id = f"wrun_{len(self.runs)}"
        self.runs.append(run_id)
        data: dict[str, Any] = {
            "priority": self.chance.choice([0, 0, 5, -5]),
            "workflow": self.chance.choice(WORKFLOWS),
        }
        new = encode_run(NewRun(run_id, created(time=self.now, **data), self._message(run_id)))
        self._both(lambda records: rules.create_run(records, new, self.now))

    def send(self) -> None:
        message = self._message(self.chance.choice([*self.runs, "wrun_unknown", f"wrun_{len(self.runs)}"]))
        self._both(lambda records: send(records, message, self.now))

    def take(self) -> None:
        owner, limit = self.chance.choice("abc"), self.chance.choice([1, 1, 2, 50])
        if owner in self.memory.alive:
            self._taken(self.memory.take(owner, limit, self.now), self.replica.state.queue.take(owner, limit, self.now))

    def take_one(self) -> None:
        owner, message_id = self.chance.choice("abc"), self._some(self.messages)
        if owner in self.memory.alive:
            mine = self.memory.take_one(message_id, owner, self.now)
            other = self.replica.state.queue.take_one(message_id, owner, self.now)
            self._taken([mine] if mine else [], [other] if other else [])

    def ack(self) -> None:
        mine, other = self._claim()
        self.memory.remove(mine)
        self.replica.state.remove(other)

    def back(self) -> None:
        (mine, other), at = self._claim(), self.chance.choice([None, self.now, self.now + 2.0])
        self.memory.hand_back(mine, at)
        self.replica.state.queue.hand_back(other, at)

    def die(self) -> None:
        owner = self.chance.choice("abc")
        self.memory.alive.discard(owner)
        self.replica.state.queue.bury(owner)

    def join(self) -> None:
        owner = self.chance.choice("abc")
        if not any(claim.owner == owner for claim, _ in self.held):  # a worker's id is never used again
            self.memory.alive.add(owner)
            self.replica.state.queue.alive.add(owner)

    def pause(self) -> None:
        workflow = self.chance.choice([*WORKFLOWS, ""])
        self.memory.pause(workflow)
        self.replica.state.queue.pause(workflow)

    def unpause(self) -> None:
        for workflow in [*WORKFLOWS, ""]:
            self.memory.unpause(workflow)
            self.replica.state.queue.unpause(workflow)

    def end(self) -> None:
        self._record(run_cancelled())

    def fact(self) -> None:
        run_id = self._some(self.runs)
        if (run := self.memory.run(run_id)) is not None:
            other = self._some(self.runs)
            batch = [
                hook_created(f"hook_{run.slot}", self.chance.choice(["t1", "t2", f"t{run.slot}"])),
                watch_created(f"watch_{run.slot}", other),
            ]
            batch.append(event(EventKind.STEP_CREATED, f"step_{run.slot}", step="step//a//b", input=None))
            encoded = [encode_event(one) for one in batch]
            self._both(lambda records: rules.commit(records, run_id, run.slot, encoded, (), None, (), self.now))
            self._record(hook_received(f"hook_{run.slot}", key=self.chance.choice([None, "k"])))
            self._both(
                lambda records: (
                    rules.start_step(records, run_id, f"step_{run.slot}", "m", self.now)
                    if records.step(run_id, f"step_{run.slot}")
                    else None
                )
            )

    def cancel_wait(self) -> None:
        run_id = self._some(self.runs)
        if (run := self.memory.run(run_id)) is not None:
            encoded = [encode_event(event(EventKind.WAIT_CANCELLED, "wait_1"))]
            self._both(lambda records: rules.commit(records, run_id, run.slot, encoded, (), None, (), self.now))

    def delete(self) -> None:
        before, limit = self.now - self.chance.choice([0.0, 5.0]), self.chance.choice([1, 3])
        if self.chance.random() < 0.3:
            deleted = self.replica.state.delete_ended(before, limit)
            assert memory_listing.delete_ended(self.memory, before, limit) == len(deleted)

    def compare(self) -> None:
        """What can be seen of both is the same."""
        state, memory = self.replica.state, self.memory
        assert state.queue.depth(self.now) == memory.depth(self.now), self.done
        assert state.queue.list_messages(None, 1000) == memory.list_messages(None, 1000), self.done
        asked = wanted(limit=1000)
        assert state.runs.listed(asked) == memory_listing.runs(memory, asked), self.done
        assert state.runs.counts(asked) == memory_listing.counts(memory, asked), self.done
        for run_id in memory.runs:
            assert state.events(run_id, 0) == memory.events(run_id, 0), self.done
            assert state.hooks.of_run(run_id) == memory.hooks.of_run(run_id), self.done
        due = memory.next_due(self.now)
        found, first = state.queue.outlook(self.now)
        assert (first is not None) == (found is not None and found <= self.now)
        assert due is None or (found is not None and found <= max(due, self.now)), (due, found, self.done)

    def revive(self) -> None:
        """Go on with what a snapshot keeps."""
        self.replica = snapshots.restore(snapshots.compress([*snapshots.dump(self.replica)]))

    def _record(self, fact: Event) -> None:
        run_id = self._some(self.runs)
        if self.memory.run(run_id) is not None:
            self._both(lambda records: rules.record(records, run_id, encode_event(fact), (), None, self.now))

    def _both(self, work: Any) -> None:
        assert work(self.replica.state) == work(self.memory), self.done

    def _taken(self, mine: list[Any], others: list[Any]) -> None:
        assert [taken[:2] for taken in others] == [taken[:2] for taken in mine], self.done
        self.held += [(one[2], other[2]) for one, other in zip(mine, others, strict=True)]

    def _claim(self) -> tuple[Claim, Claim]:
        nobody = Claim("msg_nobody", "a", 0)
        return self.held.pop(self.chance.randrange(len(self.held))) if self.held else (nobody, nobody)

    def _message(self, run_id: str) -> Message:
        message_id = f"msg_{len(self.messages)}"
        self.messages.append(message_id)
        key = self.chance.choice([None, None, "k", wait_key(run_id, "wait_1")])
        due = self.chance.choice([0.0, 0.0, self.now - 1, self.now + 3])
        return Message(message_id, run_id, key=key, due=due, limit=self.chance.choice(LIMITS))

    def _some(self, names: list[str]) -> str:
        return self.chance.choice(names) if names else "nobody"


@pytest.mark.parametrize("seed", range(12))
def test_a_replica_does_what_the_memory_world_does(seed: int) -> None:
    twins = Twins(random.Random(seed))
    for _ in range(300):
        twins.step()
    assert len(twins.held) + len(twins.messages) > 50


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_replica_from_a_snapshot_goes_on_as_if_it_had_never_been_one(seed: int) -> None:
    twins = Twins(random.Random(seed))
    for number in range(200):
        twins.step()
        if number % 7 == 0:
            twins.revive()
            twins.compare()
