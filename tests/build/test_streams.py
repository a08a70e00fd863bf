"""The command on streams that can not show every character, as pipes on Windows can not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOP = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
def checkout(cents: int) -> int:
    return len("→ ü 漢")
"""


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
@pytest.mark.parametrize("arguments", [["build"], ["build", "--format", "github"], ["doctor"], ["init", "--dry-run"]])
def test_no_command_fails_for_want_of_a_character(encoding: str, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(SHOP, "utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nauthors = [{ name = "漢" }]\n', "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "workflow_build", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )

    assert done.returncode in (0, 1)
    assert b"Traceback" not in done.stderr
    assert done.stdout
