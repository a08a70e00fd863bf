"""How long the machine takes per step, live and on replay, with no storage: the promise is less than 50 µs, and a replay that is linear."""

from __future__ import annotations

import time
from pathlib import Path

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.events import Event, EventKind
from workflow_runtime.machine.machine import Machine
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.values import encode_call

SOURCE = """
@__workflow_step__("step//bench//add")
async def add(left: int, right: int) -> int: ...

async def count(steps: int) -> int:
    total = 0
    for number in range(steps):
        total = await add(total, number)
    return total
"""
BUNDLE = Bundle("workflow//bench//count", True, (), (BundleModule("bench", "bench.py", False, SOURCE),))
REPEATS = 5


def live(steps: int) -> list[Event]:
    """The log of a run that is fed step by step, as a handler does it."""
    machine = Machine("wrun_bench", load_program(BUNDLE, Path.cwd()))
    created = {"workflow": BUNDLE.workflow, "bundle": BUNDLE.hash, "input": encode_call((steps,), {}, where="count")}
    log = [Event(EventKind.RUN_CREATED, 1.0, data=created, slot=1), Event(EventKind.RUN_STARTED, 1.0, slot=2)]
    for event in log:
        machine.feed(event)
    total = 0
    for number in range(steps):
        (command,) = machine.commands
        total += number
        log.append(command.event(1.0))
        machine.feed(log[-1])
        log.append(Event(EventKind.STEP_COMPLETED, 1.0, command.entity, {"attempt": 1, "output": total}))
        machine.feed(log[-1])
    (end,) = machine.commands
    assert end.kind is EventKind.RUN_COMPLETED, end
    return log


def replay(log: list[Event]) -> None:
    """Feed a whole log to a new machine."""
    machine = Machine("wrun_bench", load_program(BUNDLE, Path.cwd()))
    for event in log:
        machine.feed(event)
    assert machine.ended


def best(steps: int) -> tuple[float, float]:
    """Microseconds per step, live and on replay: the best of a few."""
    lives, replays = [], []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        log = live(steps)
        middle = time.perf_counter()
        replay(log)
        lives.append(middle - begin)
        replays.append(time.perf_counter() - middle)
    return min(lives) / steps * 1e6, min(replays) / steps * 1e6


def main() -> None:
    """Print one line for each length of workflow."""
    print(f"{'machine':>8} {'live':>10} {'replay':>10}   per step")
    for steps in (100, 1_000, 10_000):
        one, other = best(steps)
        print(f"{steps:>8} {one:>7.1f} µs {other:>7.1f} µs")


if __name__ == "__main__":
    main()
