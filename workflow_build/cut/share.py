"""Cut many modules in several processes at once.

The processes are plain interpreters that are given their work through a pipe, as text: nothing of the program that called the build is
imported again, and none of them outlives it. Whatever goes wrong with one of them, its share is done here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import workflow_build
from workflow_build.cache import codec
from workflow_build.model import Function, ReachedModule
from workflow_runtime.bundles import BundleModule

BOOTSTRAP = "import sys; sys.path.append(sys.argv[1]); from workflow_build.cut.share import main; main()"

WORTH_A_PROCESS = 500_000
"""Characters of modules to cut, from which on another process is worth starting: it takes as long to start as it takes to cut these."""


@dataclass(frozen=True, slots=True)
class Task:
    """All ways in which one file has to be cut."""

    functions: Mapping[int, Function]
    """The marked functions of the file by line."""
    modules: tuple[ReachedModule, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """What one task gives, in the order of its modules. Empty when it can not be done."""

    modules: tuple[BundleModule, ...]
    stateless: tuple[bool, ...]


Cut = Callable[[Task], Done]


def cut_all(tasks: Sequence[Task], cut: Cut) -> list[Done]:
    """What ``cut`` gives for each of the tasks; ``workflow_build.bundle.cut_task`` does the same in other processes."""
    shares = _shares(tasks)
    others = [_Process(share) for share in shares[1:]]
    try:
        done = {index: cut(tasks[index]) for index, _ in shares[0]}
        for process in others:
            done |= process.results() or {index: cut(task) for index, task in process.share}
    finally:
        for process in others:
            process.end()
    return [done[index] for index in range(len(tasks))]


Share = Sequence[tuple[int, Task]]


def _shares(tasks: Sequence[Task]) -> list[Share]:
    """The tasks with their positions, in as many parts of about one size as there are processes to have."""
    sizes = [sum(len(module.text) for module in task.modules) for task in tasks]
    count = max(1, min(_cores(), sum(sizes) // WORTH_A_PROCESS))
    shares: list[list[tuple[int, Task]]] = [[] for _ in range(count)]
    totals = [0] * count
    for index in sorted(range(len(tasks)), key=lambda index: -sizes[index]):
        smallest = totals.index(min(totals))
        shares[smallest].append((index, tasks[index]))
        totals[smallest] += sizes[index]
    return list(shares)


def _cores() -> int:
    """How many this process may use; one when it is not run by a plain interpreter, which could not be started again."""
    if getattr(sys, "frozen", False) or not sys.executable:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Process:
    """An interpreter that works on a share."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self._child: subprocess.Popen[bytes] | None = None
        with contextlib.suppress(OSError):  # no process can be had: the share is done here
            self._child = self._started()
            assert self._child.stdin is not None
            with self._child.stdin as pipe:
                pipe.write(codec.dump(tuple[Task, ...], tuple(task for _, task in share)).encode())

    def _started(self) -> subprocess.Popen[bytes]:
        package = str(Path(workflow_build.__file__).parent.parent)
        return subprocess.Popen(
            [sys.executable, "-P", "-c", BOOTSTRAP, package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the build, which ends its processes
        )

    def results(self) -> dict[int, Done] | None:
        """What it gave; None when it gave nothing that is whole."""
        if self._child is None or self._child.stdout is None:
            return None
        text = self._child.stdout.read()
        if self._child.wait() != 0:
            return None
        try:
            done: tuple[Done, ...] = codec.load(tuple[Done, ...], text.decode())
            return {index: one for (index, _), one in zip(self.share, done, strict=True)}
        except codec.NotData:
            return None

    def end(self) -> None:
        """Kill it if it still works."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            if self._child.stdout is not None:
                self._child.stdout.close()


def main() -> None:
    """Do the tasks that standard input has, and write what they give to standard output."""
    from workflow_build.bundle import cut_task  # it stands above this module, which only this process needs to know

    tasks: tuple[Task, ...] = codec.load(tuple[Task, ...], sys.stdin.buffer.read().decode())
    done = tuple(cut_task(task) for task in tasks)
    sys.stdout.buffer.write(codec.dump(tuple[Done, ...], done).encode())
