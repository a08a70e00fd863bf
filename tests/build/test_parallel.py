"""Cutting in several processes gives what cutting in one gives, whatever happens to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_build.build import build
from workflow_build.cut import share
from workflow_build.errors import BuildError
from workflow_build.model import Config

REPOSITORY = Path(__file__).parents[2]
COUNT = 7


def files(count: int = COUNT) -> dict[str, str]:
    """A package with a module for each of so many workflows, of different sizes, and one that they share."""
    found = {"shop/__init__.py": "", "shop/shared.py": "LIMIT = 3\ndef fee(x: int) -> int:\n    return x + LIMIT\n"}
    for number in range(count):
        found[f"shop/m{number}.py"] = (
            "from shop.shared import fee\nfrom workflow_runtime import step, workflow\n\n"
            f"@step(max_retries={number})\nasync def charge{number}(x: int, *, options: object = ...) -> int:  # for libcst\n    return x\n\n"
            f"@workflow\nasync def flow{number}() -> int:\n    return await charge{number}(fee({number}))\n"
            + "# nothing\n"
            * number
            * 20
        )
    return found


def written(config: Config) -> dict[str, bytes]:
    build(config, with_routes=False)
    return {path.name: path.read_bytes() for path in config.out.rglob("*") if path.is_file()}


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each workflow worth a process, and three processors for them."""
    monkeypatch.setattr(share, "WORTH_A_PROCESS", 100)
    monkeypatch.setattr(share, "_cores", lambda: 3)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started."""
    found: list[subprocess.Popen[bytes]] = []
    original = share._Process._started

    def start(self: Any) -> subprocess.Popen[bytes]:
        found.append(original(self))
        return found[-1]

    monkeypatch.setattr(share._Process, "_started", start)
    return found


def test_several_processes_write_the_same_bytes_as_one(
    project: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, many: None, started: list[subprocess.Popen[bytes]]
) -> None:
    config = project(files())
    several = written(config)
    count = len(started)
    monkeypatch.setattr(share, "_cores", lambda: 1)

    assert written(config) == several
    assert (count, len(started)) == (2, 2)
    assert all(child.returncode == 0 for child in started)


def test_a_small_project_is_cut_in_this_process(
    project: Callable[..., Config], started: list[subprocess.Popen[bytes]]
) -> None:
    written(project(files()))

    assert started == []


@pytest.mark.parametrize(
    "bootstrap",
    [
        "raise SystemExit(3)",
        "import sys; sys.stdin.buffer.read(); print('[]')",
        "print('no json')",
        "import os; os.abort()",
        "import sys; sys.stdin.buffer.read(); raise RuntimeError('in the midst of it')",
        "import os, signal, sys; sys.stdin.buffer.read(); print('[[', flush=True); os.kill(os.getpid(), signal.SIGTERM)",
    ],
)
def test_what_a_process_fails_to_do_is_done_here(
    project: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, many: None, bootstrap: str
) -> None:
    monkeypatch.setattr(share, "BOOTSTRAP", bootstrap)
    failing = written(project(files()))
    monkeypatch.setattr(share, "_cores", lambda: 1)

    assert failing == written(project(files()))


def test_where_no_process_can_be_started_the_build_does_without(
    project: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, many: None
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    assert "manifest.json" in written(project(files()))


def test_a_frozen_program_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    assert share._cores() == 1


def test_code_that_can_not_be_rewritten_is_the_same_error_in_all_processes(
    project: Callable[..., Config], many: None
) -> None:
    odd = "from workflow_runtime import step, workflow\n@step\n\\\ndef x(): ...\n@workflow\nasync def w(): return await x()\n"
    config = project({**files(), "shop/m3.py": odd, "shop/m5.py": odd})

    with pytest.raises(BuildError, match=r"shop/m3\.py can not be rewritten"):
        build(config, with_routes=False)


SCRIPT = """
import sys
from pathlib import Path
from workflow_build.build import build
from workflow_build.config import Flags, load
from workflow_build.cut import share
share.WORTH_A_PROCESS, share._cores = 100, lambda: 3
print("begins")
build(load(Path(sys.argv[1]), Flags(targets=("fastapi",))), with_routes=False)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.fspath(REPOSITORY), "PYTHONUNBUFFERED": "1"}


def test_a_script_that_guards_nothing_is_run_once(project: Callable[..., Config]) -> None:
    """Its main module is not imported again, as ``multiprocessing`` would."""
    config = project(files())

    done = subprocess.run(
        [sys.executable, "-", os.fspath(config.project)],
        input=SCRIPT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "begins\n"
    assert (config.out / "manifest.json").is_file()


def test_a_build_that_is_interrupted_takes_its_processes_along(project: Callable[..., Config], tmp_path: Path) -> None:
    config = project(files())
    note = tmp_path / "pid"
    slow = f"import os, pathlib, time; pathlib.Path({os.fspath(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    script = SCRIPT.replace("share.WORTH", f"share.BOOTSTRAP = {slow!r}\nshare.WORTH")
    running = subprocess.Popen(
        [sys.executable, "-c", script, os.fspath(config.project)], env=environment(), stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not (note.exists() and note.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)

    assert running.returncode != 0
    end = time.monotonic() + 30
    while _runs(int(note.read_text())) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _runs(int(note.read_text()))
    assert not (config.out / "manifest.json").exists()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # where there is none, whoever took the process over has to bury it
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
