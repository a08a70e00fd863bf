"""Reading the routes of an app starts no work of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.frameworks.conftest import Built


@pytest.mark.parametrize("target", ["django", "flask"])
def test_a_build_opens_no_storage_and_takes_no_message(built: Built, tmp_path: Path, target: str) -> None:
    folder = shutil.copytree(built(target), tmp_path / "app", ignore=shutil.ignore_patterns(".workflow"))
    environment = {name: value for name, value in os.environ.items() if name != "WORKFLOW_WORLD"}
    done = subprocess.run(
        [sys.executable, "-m", "workflow_build"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "health" in (folder / "shop" / "_workflow" / "config.json").read_text()
    assert not list(tmp_path.rglob("*.db"))
    assert not (folder / ".workflow").exists()
