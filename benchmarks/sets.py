"""What ``python -m benchmarks`` measures: sets, each of which gives rows and promises, or columns that are compared."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import build_speed, cold_start, runtime, tree
from benchmarks.measured.cases import cases
from benchmarks.measured.report import Row, Target
from benchmarks.peers.measuring import measure as measure_peers
from benchmarks.peers.plan import WEB
from benchmarks.peers.table import TITLES, Column


@dataclass(frozen=True, slots=True)
class Wish:
    """How it is to be measured."""

    rounds: int
    quick: bool
    """Only what is enough to see that it works, and whether something has become far slower."""
    folder: Path


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured of one set."""

    rows: Sequence[Row] = ()
    targets: Sequence[Target] = ()
    columns: Sequence[Column] = ()
    """Those who were measured beside each other, if that is what the set does."""


def compiler(wish: Wish) -> Found:
    """Builds, beside a process that reads and hashes the same files."""
    files = 200 if wish.quick else 1_000
    least = f"read and hash {files:,} files, the least"
    names = (least, "cold build", "warm build", "an edit under --watch, to written output")
    samples: Mapping[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder) / "project"
        tree.make_tree(project, files)
        build = [*build_speed.COMMAND, str(project), "--no-routes"]
        time.sleep(build_speed.SETTLED)
        for _ in range(wish.rounds):
            bare = build_speed.run([sys.executable, "-c", build_speed.READ_AND_HASH, str(project)])
            build_speed.clear(project)
            costs = [bare, build_speed.run(build), build_speed.run(build)]
            for name, cost in zip(names[:-1], costs, strict=True):
                samples[name].append(1000 * cost.seconds)
        samples[names[-1]].extend(1000 * seconds for seconds in build_speed.edits(project))
    return Found([Row("the compiler", name, "ms", found) for name, found in samples.items()])


def on_sqlite(wish: Wish) -> Found:
    """Runs on SQLite, streams, waits, the machine without a storage."""
    quick = ("steps in a row", "steps at once", "throughput", "waits")
    wanted = [case for case in cases() if not wish.quick or case.group in quick]
    figures, ratios = runtime.measure(wanted, wish.rounds)
    rows = [Row(*key, samples) for key, samples in figures.items()]
    return Found(rows, runtime.promises(figures, ratios))


def on_postgres(wish: Wish) -> Found:
    """Steps on a Postgres server of its own, beside commits of one row."""
    from benchmarks import postgres

    figures = postgres.measured(wish.rounds)
    return Found([Row("Postgres", name, postgres.unit_of(name), samples) for name, samples in figures.items()])


def on_nats(wish: Wish) -> Found:
    """Steps on NATS servers of its own, beside acknowledged publishes."""
    from benchmarks import nats

    figures: nats.Figures = defaultdict(list)
    places = [(1, "2m")] if wish.quick else [(size, sync) for size in nats.SIZES for sync in nats.SYNCS]
    targets = [found for place in places for found in nats.measured_with(*place, wish.rounds, figures)]
    return Found([Row(*key, samples) for key, samples in figures.items()], targets)


def web(wish: Wish) -> Found:
    """Runs over HTTP, behind each framework on each storage."""
    peers = [peer for peer in WEB if not wish.quick or peer.arguments == ("fastapi",)]
    rows = ["seq-1", "seq-10", "throughput-16"] if wish.quick else list(TITLES)
    return Found(columns=measure_peers(peers, rows, wish.rounds, wish.folder))


def cold_starts(wish: Wish) -> Found:
    """What the written handlers add to the imports of their frameworks."""
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        found = cold_start.measure(Path(folder), wish.rounds)
    rows = [
        Row("what handler modules add to imports, medians", name, "ms", [1e3 * (ours - bare)])
        for name, (bare, ours) in found.items()
    ]
    beside = [
        Row("imports of their frameworks, medians", name, "ms", [1e3 * bare])
        for name, (bare, _) in found.items()
        if bare > 0.02
    ]
    return Found([*rows, *beside])


SETS: Mapping[str, Callable[[Wish], Found]] = {
    "compiler": compiler,
    "runtime": on_sqlite,
    "postgres": on_postgres,
    "nats": on_nats,
    "web": web,
    "cold-start": cold_starts,
}


def measured(names: Sequence[str], wish: Wish) -> dict[str, Found]:
    """Measure these sets, one after the other."""
    logging.disable(logging.WARNING)
    found = {}
    for name in names:
        print(f"== {name}", flush=True)
        found[name] = SETS[name](wish)
    return found
