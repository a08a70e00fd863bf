"""How long builds take, beside the least that they could take, measured in the same run.

Run: python benchmarks/build_speed.py [FILES]. Without a number it is 1,000 files; 10,000 take some minutes.
"""

from __future__ import annotations

import ast
import gc
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import libcst

TREE = Path(__file__).with_name("tree.py")
READ_AND_HASH = """
import hashlib, os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as file:
                hashlib.sha256(file.read()).hexdigest()
"""
SETTLED = 2.5
"""Seconds after which files are old enough for their times to be trusted."""

EDITS = 9
COMMAND = [sys.executable, "-m", "workflow_build"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took."""

    seconds: float
    processor: float
    """Seconds of all processors, which say more than the others on a machine that is shared."""
    megabytes: float = 0.0
    """At most, of the largest process."""


def middle(costs: Iterable[Cost]) -> Cost:
    """The medians of the times, and the most memory."""
    found = list(costs)
    seconds, processor = (
        statistics.median(times) for times in zip(*((c.seconds, c.processor) for c in found), strict=True)
    )
    return Cost(seconds, processor, max(cost.megabytes for cost in found))


def run(command: list[str]) -> Cost:
    """What a process that must succeed takes, with those that it starts."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{output.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    seconds = time.perf_counter() - start
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def here(rounds: int, action: Callable[[], object]) -> Cost:
    """What an action takes in this process."""
    costs = []
    for _ in range(rounds):
        start, begun = time.perf_counter(), time.process_time()
        action()
        costs.append(Cost(time.perf_counter() - start, time.process_time() - begun))
    return middle(costs)


def settle_bytecode(folder: Path) -> None:
    """Let all processes from now on find bytecode, as those of an installed package do, whatever the environment says about writing it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    small = folder / "small"
    subprocess.run([sys.executable, TREE, small, "40"], check=True)
    for _ in range(2):
        run([*COMMAND, str(small), "--no-routes"])


def clear(project: Path) -> None:
    """Remove output and cache."""
    shutil.rmtree(project / "company" / "_workflow", ignore_errors=True)
    shutil.rmtree(project / ".workflow-build", ignore_errors=True)


def cold(project: Path, rounds: int) -> Cost:
    """What builds that start from nothing take."""
    costs = []
    for _ in range(rounds):
        clear(project)
        costs.append(run([*COMMAND, str(project), "--no-routes"]))
    return middle(costs)


def edits(project: Path) -> list[float]:
    """Seconds from each edit of a workflow to its written output, under a real ``--watch``."""
    mark = project / "company" / "_workflow" / "__init__.py"
    file = min(project.glob("company/*/orders_*.py"))
    original = file.read_text()
    times = []
    with subprocess.Popen(
        [*COMMAND, str(project), "--no-routes", "--watch"], stdout=subprocess.PIPE, text=True
    ) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        for number in range(EDITS):
            time.sleep(0.7)
            before = mark.stat().st_ino
            start = time.perf_counter()
            file.write_text(original.replace("range(3)", f"range({number + 4})"))
            while mark.stat().st_ino == before:
                time.sleep(0.0005)
                if time.perf_counter() - start > 60:
                    raise SystemExit("an edit was not seen within a minute")
            times.append(time.perf_counter() - start)
        watcher.terminate()
    file.write_text(original)
    return times


def import_time(project: Path, module: str) -> float:
    """Median seconds that importing the module takes, in a process of its own."""
    times = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", f"import {module}"],
            cwd=project,
            check=True,
            capture_output=True,
            text=True,
        )
        lines = re.findall(r"\|\s*(\d+) \| (\S+)$", done.stderr, re.MULTILINE)
        times.append(max(int(micros) for micros, name in lines if name == module) / 1e6)
    return statistics.median(times)


def show(what: str, cost: Cost, least: str = "", bound: Cost | None = None) -> None:
    """One line, with how many times a lower bound that is, by the clock and by the processor."""
    line = f"{what:<46}{cost.seconds * 1000:>10.0f} ms{cost.processor * 1000:>10.0f} ms of the processor"
    if bound:
        line += f"   {cost.seconds / bound.seconds:5.2f}, {cost.processor / bound.processor:.2f} times {least}"
    print(line)


def show_time(what: str, seconds: float, more: str = "") -> None:
    """One line of what is measured by the clock alone."""
    print(f"{what:<46}{seconds * 1000:>10.0f} ms   {more}".rstrip())


def main() -> None:
    """Print what everything takes."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("BENCH_FILES", "1000"))
    rounds = 3 if files <= 2000 else 1
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        settle_bytecode(Path(folder))
        subprocess.run([sys.executable, TREE, project, str(files)], check=True)
        time.sleep(SETTLED)
        gc.disable()  # as builds do: with it on, the bounds of large trees would be far from the least
        candidates = [path.read_text() for path in sorted(project.glob("company/*/orders_*.py"))]
        print(f"{files:,} files of 150 lines, {len(candidates)} with a workflow and three steps")
        print("the least:")
        process = middle(run([sys.executable, "-c", READ_AND_HASH, str(project)]) for _ in range(5))
        show("read and hash all files, a bare process", process)
        by_ast = here(rounds, lambda: [ast.parse(text) for text in candidates])
        show("ast.parse of the candidates", by_ast)
        by_libcst = here(rounds, lambda: [libcst.parse_module(text) for text in candidates])
        show("libcst.parse_module of the candidates", by_libcst)
        print("builds, whole processes:")
        first = cold(project, rounds)
        show("cold", first, "libcst on the candidates", by_libcst)
        print(f"{'peak memory of that':<46}{first.megabytes:>10.0f} MB")
        warm = middle(run([*COMMAND, str(project), "--no-routes"]) for _ in range(7))
        show("warm", warm, "reading and hashing", process)
        times = edits(project)
        show_time("one edit under --watch, to written output", statistics.median(times))
        show_time("  the slowest of them", max(times))
        print("imports:")
        framework, handler = import_time(project, "fastapi"), import_time(project, "company._workflow.fastapi")
        show_time("the written handler", handler, f"{handler / framework:5.2f} times the bare framework")


if __name__ == "__main__":
    main()
