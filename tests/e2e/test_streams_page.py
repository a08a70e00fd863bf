"""The page about streams, typed in as it stands, built, run and served."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "streams.md").read_text("utf-8")
FILE = re.compile(r"(?ms)^```python\n# ([\w/]+\.py)\n(.*?)^```$")
SHOWN = re.compile(r"(?ms)^```text\n(.*?)^```$")
PATIENCE = 30.0

pytestmark = pytest.mark.timeout(120)


def environment(folder: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COV", "PYTEST"))}
    return own | {"WORKFLOW_WORLD": f"sqlite:///{folder / 'runs.db'}"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, built."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\ndependencies = ["fastapi"]\n')
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    for name, text in FILE.findall(PAGE):
        (folder / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "workflow_build", "--app", "shop.main:app"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextmanager
def served(project: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.set_inheritable(True)
        number = listener.fileno()
        command = [sys.executable, "-m", "uvicorn", "shop.main:app", "--fd", str(number), "--log-level", "warning"]
        process = subprocess.Popen(command, cwd=project, env=environment(project), pass_fds=(number,))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def started(url: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return str(httpx.post(f"{url}/reports/May", timeout=PATIENCE).json()["run"])
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_script_prints_what_the_page_shows(project: Path) -> None:
    command = [sys.executable, "read_report.py"]
    done = subprocess.run(
        command, cwd=project, env=environment(project), capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout == SHOWN.findall(PAGE)[0], done.stderr


def test_the_app_answers_what_the_page_shows(project: Path) -> None:
    with served(project) as url:
        run = started(url)
        whole = httpx.get(f"{url}/reports/{run}/lines", timeout=PATIENCE)
        rest = httpx.get(f"{url}/reports/{run}/lines", timeout=PATIENCE, headers={"last-event-id": "2"})
        sales = httpx.get(f"{url}/reports/{run}/sales.csv", timeout=PATIENCE)
        missing = httpx.get(f"{url}/reports/wrun_NONE/lines", timeout=PATIENCE)

    shown = SHOWN.findall(PAGE)[1]
    assert whole.text == shown
    assert rest.text == shown[shown.index("id: 3") :]
    assert (sales.text, sales.headers["content-type"]) == ("10,20,30", "text/csv")
    assert missing.status_code == 404
