"""The locks that tell which workers live."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_runtime.worlds.sqlite.liveness import Worker, is_alive, sweep

ROOT = Path(__file__).parents[2]
_SWEEP = """
import pathlib, sys
from workflow_runtime.worlds.sqlite.liveness import sweep
print("sweeping", flush=True)
while True:
    sweep(pathlib.Path(sys.argv[1]))
"""


def test_a_worker_lives_until_it_leaves(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    assert is_alive(tmp_path, worker.id)
    worker.leave(remove=False)
    assert not is_alive(tmp_path, worker.id)
    assert (tmp_path / worker.id).exists()


def test_a_worker_that_leaves_for_good_leaves_no_file(tmp_path: Path) -> None:
    Worker(tmp_path).leave(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_nobody_has_heard_of_is_dead(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "nobody")


def test_sweeping_removes_the_files_of_the_dead_only(tmp_path: Path) -> None:
    living, dead = Worker(tmp_path), Worker(tmp_path)
    dead.leave(remove=False)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [living.id]
    living.leave(remove=True)


def test_workers_that_are_born_while_another_process_sweeps_live(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SWEEP, str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as sweeper:
        assert sweeper.stdout is not None
        sweeper.stdout.readline()
        workers = [Worker(tmp_path) for _ in range(300)]
        sweeper.kill()
    assert {path.name for path in tmp_path.iterdir()} == {worker.id for worker in workers}
    for worker in workers:
        worker.leave(remove=True)


def test_a_folder_that_can_not_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Worker(tmp_path / "file")
