"""Counts kept in the process, and told in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from workflow_runtime.metrics import counting, measures
from workflow_runtime.metrics.measures import Measure

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class Counts:
    """Keeps numbers for whoever comes to read them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: defaultdict[Measure, defaultdict[tuple[str, ...], int]] = defaultdict(lambda: defaultdict(int))
        self._spreads: defaultdict[Measure, dict[tuple[str, ...], _Spread]] = defaultdict(dict)

    def add(self, measure: Measure, labels: Sequence[str]) -> None:
        """See ``Sink``."""
        with self._lock:
            self._counters[measure][tuple(labels)] += 1

    def observe(self, measure: Measure, labels: Sequence[str], value: float) -> None:
        """See ``Sink``."""
        with self._lock:
            spread = self._spreads[measure].setdefault(tuple(labels), _Spread(len(measure.bounds)))
            spread.add(bisect_left(measure.bounds, value), value)

    def lines(self) -> list[str]:
        """All of it as text."""
        lines: list[str] = []
        with self._lock:
            for measure, counters in self._counters.items():
                name = f"{_name(measure.name)}_total"
                lines += _head(name, "counter", measure.help)
                lines += [_line(name, measure.labels, labels, value) for labels, value in counters.items()]
            for measure, spreads in self._spreads.items():
                name = f"{_name(measure.name)}_seconds"
                lines += _head(name, "histogram", measure.help)
                for labels, spread in spreads.items():
                    lines += spread.lines(name, measure, labels)
        return lines


class _Spread:
    """How many values fell into each bucket, and their sum."""

    def __init__(self, bounds: int) -> None:
        self._counts = [0] * (bounds + 1)
        self._sum = 0.0

    def add(self, bucket: int, value: float) -> None:
        self._counts[bucket] += 1
        self._sum += value

    def lines(self, name: str, measure: Measure, labels: tuple[str, ...]) -> Iterator[str]:
        total = 0
        for bound, count in zip((*(f"{bound:g}" for bound in measure.bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield _line(f"{name}_bucket", (*measure.labels, "le"), (*labels, bound), total)
        yield _line(f"{name}_sum", measure.labels, labels, self._sum)
        yield _line(f"{name}_count", measure.labels, labels, total)


_counts: Counts | None = None


def collect() -> None:
    """Count from now on what this process does, for ``prometheus_text``. Calling it twice is calling it once."""
    global _counts
    if _counts is None:
        _counts = Counts()
        counting.add_sink(_counts)


async def prometheus_text() -> str:
    """All numbers of this process since ``collect`` was called, and the depth of its worker's queue, which is the same for all processes;
    without that when no worker runs here, or the storage can not be reached.
    """
    lines = [] if _counts is None else _counts.lines()
    name = _name(measures.IN_WORK)
    lines += [*_head(name, "gauge", measures.IN_WORK_HELP), _line(name, (), (), counting.in_work())]
    depth = await counting.queue_depth()
    if depth:
        name = _name(measures.QUEUE)
        lines += _head(name, "gauge", measures.QUEUE_HELP)
        lines += [_line(name, ("state",), (state,), count) for state, count in depth.items()]
    return "".join(f"{line}\n" for line in lines)


def _name(dotted: str) -> str:
    return dotted.replace(".", "_")


def _head(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _line(name: str, labels: Sequence[str], values: Sequence[str], number: float) -> str:
    pairs = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}} {number}" if pairs else f"{name} {number}"
