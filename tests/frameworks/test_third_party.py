"""An adapter that another package brings is found and works like ours, for a framework that we know nothing of."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.shop import build, open_shop
from tests.frameworks.targets import Server, Target

PACKAGE = Path(__file__).parents[2] / "fixtures" / "third_party"
UVICORN = Server("uvicorn", ("{python}", "-m", "uvicorn", "shop.main:app", "--port", "{port}"))

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def kite(tmp_path: Path) -> Target:
    """The target, its package installed to a folder of its own."""
    source, place = shutil.copytree(PACKAGE, tmp_path / "source"), tmp_path / "installed"
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(place), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = dict.fromkeys(("mount", "worker", "any_method", "streaming", "routes"), "")
    return Target("kite", **told, servers=(UVICORN,), environment={"PYTHONPATH": str(place)})


def test_it_is_detected_builds_reads_its_routes_and_serves(kite: Target, tmp_path: Path) -> None:
    folder = build(kite, tmp_path / "app")

    config = json.loads((folder / "shop" / "_workflow" / "config.json").read_text("utf-8"))
    assert config["targets"] == ["kite"]
    assert {route["kind"] for route in config["routes"] if route["confirmed"]} == {
        "flow",
        "health",
        "manifest",
        "webhook",
    }
    with open_shop(kite, UVICORN, folder, tmp_path / "data") as shop:
        run_id = shop.place("o1")
        assert [shop.call("o1", method, "").status_code for method in kite.methods] == [202, 202]
        assert shop.wait(run_id)["answers"] == ["PUT ", "PROPFIND "]
