"""The quickstart pages: what stands there is what the tests serve, and it works as typed in."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "quickstart"
BLOCK = re.compile(r"(?ms)^`([\w./]+)`:\n\n```\w+\n(.*?)^```$")
SHELL = re.compile(r"(?ms)^```sh\n(.*?)^```$")
PATIENCE = 60.0


def test_the_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/quickstarts.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run python tools/quickstarts.py\n{done.stdout}{done.stderr}"


def typed_in(page: str, folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    for name, text in BLOCK.findall((PAGES / page).read_text("utf-8")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", ["django.md", "fastapi.md", "flask.md"])
def test_what_stands_on_the_page_builds_serves_and_finishes_an_order(page: str, tmp_path: Path) -> None:
    typed_in(page, tmp_path)
    _install, build, serve, _curl = SHELL.findall((PAGES / page).read_text("utf-8"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COV", "PYTEST"))}
    environment = own | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"}

    done = subprocess.run(
        shlex.split(build), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    command = shlex.split(serve.replace("8000", port))
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        run = placed(f"http://127.0.0.1:{port}/orders", tmp_path)
        deadline = time.monotonic() + PATIENCE
        while (order := httpx.get(f"http://127.0.0.1:{port}/orders/{run}").json())["status"] != "completed":
            assert time.monotonic() < deadline, order
            time.sleep(0.2)
        assert order["result"]["label"] == "label of o1"
        assert '"on its way"' in httpx.get(f"http://127.0.0.1:{port}/orders/{run}/news").text
    finally:
        server.terminate()
        server.wait(PATIENCE)


def placed(url: str, folder: Path) -> str:
    """The run of an order that is placed as soon as the server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return str(httpx.post(url, json={"id": "o1"}, timeout=PATIENCE).raise_for_status().json()["run"])
        except httpx.TransportError:
            assert time.monotonic() < deadline, (folder / "server.log").read_text("utf-8")
            time.sleep(0.1)
