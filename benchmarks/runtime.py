"""What runs cost on SQLite, beside what the disk asks for in any case.

Each round measures every case once, each on a file of its own, and the floor next to it: durable commits of a step's rows by a bare sqlite3
loop with the world's own settings. The rounds' medians are shown, so that a disk that is slow for a while slows all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
from collections import defaultdict
from pathlib import Path

from benchmarks.measured.cases import AT_ONCE, Case, cases
from benchmarks.measured.floor import floor, load_and_replay_time, machine_overhead, replay_time
from benchmarks.measured.flows import register
from benchmarks.measured.report import Row, Target, as_json, show

FLOOR = ("floor", "one durable commit, bare sqlite3", "ms")
COMMIT = ("floor", "one more step in a row, of 100", "ms")
OVERHEAD = ("machine", "each step, no storage", "µs")
REPLAY = ("machine", "replay of 10,000 events", "ms")
LOADED = ("machine", "the same, read from SQLite", "ms")
Figures = defaultdict[tuple[str, str, str], list[float]]


def main() -> None:
    """Measure, print, and write the file that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    chosen = parser.parse_args()
    logging.disable(logging.INFO)
    figures, ratios = measure(list(cases()), chosen.rounds)
    rows = [Row(*key, samples) for key, samples in figures.items()]
    targets = promises(figures, ratios)
    show(rows, targets)
    if chosen.json:
        chosen.json.write_text(as_json(rows, targets), "utf-8")


def measure(wanted: list[Case], rounds: int) -> tuple[Figures, list[float]]:
    """The figures by row, and for each round how many floors a step in a row costs."""
    steps = register()
    figures: Figures = defaultdict(list)
    for key in (FLOOR, COMMIT):  # at the head of the table
        figures[key] = []
    ratios = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        floors = []
        for case in wanted:
            floors.append(floor())
            figures[case.group, case.name, case.unit].append(asyncio.run(case.measure(steps)))
        figures[FLOOR] += floors
        figures[COMMIT].append(_step_alone(figures))
        around = floors[: 1 + sum(case.group == "steps in a row" for case in wanted)]
        ratios.append(figures[COMMIT][-1] / statistics.median(around))
        figures[OVERHEAD].append(machine_overhead())
        figures[REPLAY].append(replay_time())
        figures[LOADED].append(asyncio.run(load_and_replay_time()))
    return figures, ratios


def _step_alone(figures: Figures) -> float:
    """What one more step costs: the long run's time without that of a run without any steps."""
    longest, none = (figures["steps in a row", f"{count} steps", "ms"][-1] for count in (100, 0))
    return (longest - none) / 100


def promises(figures: Figures, ratios: list[float]) -> list[Target]:
    """What the runtime promises in numbers."""
    once = 1000 / statistics.median(figures[FLOOR])
    rate = next(samples for (group, _, _), samples in figures.items() if group == "throughput")
    return [
        Target("a step in a row costs", "floors", 2.0, statistics.median(ratios)),
        Target(f"steps of {AT_ONCE} runs at once", "steps/s", once, statistics.median(rate), at_least=True),
        Target("the machine's part of a step", "µs", 50.0, statistics.median(figures[OVERHEAD])),
        Target("replay of 10,000 events", "ms", 300.0, statistics.median(figures[REPLAY])),
    ]


if __name__ == "__main__":
    main()
