"""The README's quickstart, typed in as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests import serving

README = Path(__file__).parents[2] / "README.md"


PLACED = """
import sys
import time
from fastapi.testclient import TestClient
from shop.main import app

with TestClient(app) as client:
    run = client.post(sys.argv[1], content=sys.argv[2], headers={"content-type": "application/json"}).json()["run"]
    while (status := client.get(f"/orders/{run}").json()["status"]) == "pending":
        time.sleep(0.01)
    print(status, client.get("/orders/wrun_NONE").status_code)
"""


def test_the_quickstart_builds_and_its_app_takes_an_order(tmp_path: Path) -> None:
    text = README.read_text("utf-8")
    orders, main = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    [(path, body)] = re.findall(r"^curl -X POST 'localhost:8000(/[^']*)' .* -d '([^']*)'$", text, flags=re.MULTILINE)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', "utf-8")
    (tmp_path / "shop").mkdir()
    for name, source in {"__init__": "", "orders": orders, "main": main}.items():
        (tmp_path / "shop" / f"{name}.py").write_text(source, "utf-8")

    command = [sys.executable, "-m", "workflow_build", "--app", "shop.main:app"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    manifest = (tmp_path / "shop" / "_workflow" / "manifest.json").read_text("utf-8")
    assert "workflow//shop.orders//checkout" in manifest
    config = json.loads((tmp_path / "shop" / "_workflow" / "config.json").read_text("utf-8"))
    assert "/.well-known/workflow/v1/flow" in json.dumps(config)
    placed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PLACED, path, body],
        cwd=tmp_path,
        env=serving.environment({"WORKFLOW_WORLD": "memory://"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert placed.stdout == "running 404\n", placed.stderr
