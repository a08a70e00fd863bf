"""What the handler modules add to a cold start: the import of each beside what it imports of its framework, in fresh processes.

All handlers are written for one project without workflows, so what is measured is ours and not the project's. Bytecode is there, as in a
deployed image. What is measured is the processor's time, as imports wait for little else; medians over rounds that take turns, so that a busy
machine disturbs all alike.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from workflow_build.adapters import adapter_names, handler_module
from workflow_build.config import Flags, load
from workflow_build.emit import emit
from workflow_build.model import Bundles, Functions
from workflow_build.write import write

PACKAGE = "shop._workflow"
TIMED = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"


def write_handlers(project: Path) -> Path:
    """Write the handlers of all targets into ``project``; gives their folder."""
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    config = load(project, Flags(targets=tuple(adapter_names()), out="shop/_workflow"))
    write(config.out, emit(config, Functions(()), Bundles(())))
    return config.out


def framework_imports(handler: Path) -> str:
    """The import statements of a handler that are neither the runtime's nor the project's; empty when it has no framework."""
    found = [
        node
        for node in ast.parse(handler.read_text("utf-8")).body
        if isinstance(node, ast.Import)
        or (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and not str(node.module).startswith(("workflow_", "__future__"))
        )
    ]
    return "\n".join(map(ast.unparse, found))


def seconds(project: Path, statements: str) -> float:
    """The processor's seconds that the statements take in a fresh process, the interpreter's own start left out."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(project), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-W", "ignore", "-c", TIMED.format(statements)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{statements}\n{done.stderr}")
    return float(done.stdout)


def measure(project: Path, rounds: int) -> dict[str, tuple[float, float]]:
    """For each target the median seconds of the bare framework's import, and of the handler's."""
    out = write_handlers(project)
    cases = {}
    for name in adapter_names():
        module = handler_module(PACKAGE, name)
        handler = out / f"{module.rpartition('.')[2]}.py"
        cases[name] = (framework_imports(handler), f"import {module}")
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for name, pair in cases.items():
            for statements in pair:
                taken = seconds(project, statements)
                if number:  # the first round writes bytecode
                    found[name, statements].append(taken)
    return {name: (median(found[name, bare]), median(found[name, ours])) for name, (bare, ours) in cases.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        found = measure(Path(folder), rounds)
    print(f"{'':22}{'framework, ms':>15}{'handler, ms':>15}{'ours, ms':>15}")
    for name, (bare, ours) in found.items():
        print(f"{name:22}{bare * 1e3:15.0f}{ours * 1e3:15.0f}{(ours - bare) * 1e3:15.0f}")


if __name__ == "__main__":
    main()
