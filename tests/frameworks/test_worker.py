"""The target without a web app: a worker of its own, which commands start runs for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import serving
from tests.frameworks.conftest import Built

pytestmark = pytest.mark.timeout(120)


def worker(folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "shop._workflow.worker"]
    return subprocess.Popen(command, cwd=folder, env=dict(environment), stderr=subprocess.PIPE)


def run(folder: Path, environment: Mapping[str, str], *arguments: str) -> list[str]:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_run_started_by_a_command_outlives_its_worker(built: Built, tmp_path: Path) -> None:
    folder, ledger = built("worker"), tmp_path / "ledger.txt"
    settings = {"WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'workflow.db'}", "SHOP_LEDGER": str(ledger)}
    environment = serving.environment(settings, "SHOP")
    first = worker(folder, environment)
    (run_id,) = run(folder, environment, "shop.place", "o1")
    while not ledger.is_file() or "end charge o1" not in ledger.read_text("utf-8"):
        assert first.poll() is None

    serving.kill(first)
    assert first.stderr
    first.stderr.close()
    second = worker(folder, environment)
    *news, result = run(folder, environment, "shop.result", run_id)
    second.terminate()
    _, told = second.communicate(timeout=serving.PATIENCE)

    assert news == ["reserved and charged"]
    assert json.loads(result)["shipped"] == "shipped o1"
    assert (second.returncode, told) == (0, b""), "it stops when it is asked to"


def test_it_needs_no_app_and_gives_no_hint_to_name_one(built: Built) -> None:
    folder = built("worker")
    done = serving.build(folder)

    assert (done.returncode, "WB513" in done.stdout + done.stderr) == (0, False)
    assert not (folder / "shop" / "_workflow" / "config.json").exists()
    written = {path.name for path in (folder / "shop" / "_workflow").iterdir()} - {"__pycache__"}
    assert written == {"__init__.py", "bundles", "manifest.json", "step_registrations.py", "worker.py"}
