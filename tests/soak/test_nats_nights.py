"""Workers and NATS servers are killed, stopped and cut off at moments of chance: every run ends right, each step once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak import cables, nats_night


def apart(module: str, folder: Path) -> int:
    """Run a module with a network of its own, and give what it ends with."""
    return subprocess.run([*cables.APART, sys.executable, "-m", module, str(folder)], check=False).returncode


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_thousand_runs_end_right_through_a_long_night(tmp_path: Path) -> None:
    refusal = cables.refusal()
    if refusal is None:
        assert apart("tests.soak.nats_night", tmp_path) == 0
    else:
        said = f"none are pulled out, servers are only stopped, since this machine allows no networks of one's own: {refusal}"
        nats_night.live(tmp_path, nats_night.plan(said), None)


@pytest.mark.soak
def test_a_process_whose_server_is_cut_off_from_the_others_goes_on_with_one_of_those(tmp_path: Path) -> None:
    if refusal := cables.refusal():
        pytest.skip(f"this machine allows no networks of one's own: {refusal}")
    assert apart("tests.soak.nats_cut_off", tmp_path) == 0
