"""``make matrix``: the tests on every Python that this machine has, each in an environment of its own, and a table at the end.

Arguments go to pytest. The environments are kept under ``.venv/matrix``, and so is what each run printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "matrix"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
ASK = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.version.split()[0])"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One Python of this machine."""

    minor: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    minor: str
    result: str
    seconds: float = 0.0
    detail: str = ""


def candidates() -> Iterator[str]:
    """Programs that may be a Python that we support, the likeliest first."""
    for version in VERSIONS:
        found = shutil.which(f"python{version}")
        yield from [found] if found else []
    versions = Path.home() / ".pyenv" / "versions"
    yield from (str(path) for path in sorted(versions.glob("3.*/bin/python"), reverse=True))
    yield from from_uv()
    yield sys.executable


def from_uv() -> Iterator[str]:
    """What uv has installed, where there is a uv."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        return
    command = [uv, "python", "list", "--only-installed", "--output-format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        yield from (str(entry["path"]) for entry in json.loads(done.stdout))


def interpreters() -> dict[str, Interpreter]:
    """One Python per minor version: the first candidate that runs and can make environments."""
    found: dict[str, Interpreter] = {}
    for path in candidates():
        try:
            done = subprocess.run([path, "-I", "-c", ASK], capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        minor, _, version = done.stdout.strip().partition(" ")
        if done.returncode == 0 and minor in VERSIONS and minor not in found:
            found[minor] = Interpreter(minor, version, path)
    return found


def run(interpreter: Interpreter, arguments: list[str]) -> Row:
    """Bring the interpreter's environment up to date, and run the tests in it."""
    venv, log = FOLDER / interpreter.minor, FOLDER / f"{interpreter.minor}.log"
    began = time.monotonic()
    with log.open("w") as output:
        made = subprocess.run(
            [ROOT / "tools" / "environment.sh", venv, interpreter.path],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            check=False,
        )
        if made.returncode != 0:
            return Row(interpreter.minor, "no environment", time.monotonic() - began, last_line(log))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        tests = subprocess.run(
            [venv / "bin" / "python", "-m", "pytest", "-q", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            check=False,
        )
    return Row(
        interpreter.minor, "passed" if tests.returncode == 0 else "FAILED", time.monotonic() - began, last_line(log)
    )


def last_line(log: Path) -> str:
    """What pytest, or whoever came last, had to say; the time is ours."""
    lines = log.read_text("utf-8", "replace").strip().splitlines() or [""]
    return re.sub(r" in [\d.]+s.*", "", lines[-1]).strip("= ")


def main() -> int:
    """Run the matrix; 1 when a Python failed. One that this machine lacks is in the table, and is no failure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = interpreters()
    rows = []
    for minor in VERSIONS:
        if minor in found:
            print(f"Python {found[minor].version} ({found[minor].path}) …", flush=True)
            rows.append(run(found[minor], sys.argv[1:]))
        else:
            rows.append(Row(minor, "not here"))
    print()
    for row in rows:
        print(f"  {row.minor:5} {row.result:15} {row.seconds:6.0f} s  {row.detail}".rstrip())
    failed = [row.minor for row in rows if row.result not in ("passed", "not here")]
    for minor in failed:
        print(f"  see {(FOLDER / minor).relative_to(ROOT)}.log")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
