"""What Django has that others have not: apps to be loaded before steps are, and servers that no worker hears of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import serving
from tests.frameworks.conftest import Built

pytestmark = pytest.mark.timeout(120)

NEEDS_APPS = "from django.apps import apps\n\napps.check_apps_ready()\n"
"""What a module does that has, or imports, a model."""
PLACE = """
import django
django.setup()
import shop._workflow
from shop.orders import checkout
from workflow_runtime import run_sync, start
run_sync(start(checkout, "o1"))
"""


@contextmanager
def running(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *command], cwd=folder, env=dict(environment), start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def settings(data: Path) -> dict[str, str]:
    told = {"WORKFLOW_WORLD": f"sqlite:///{data / 'workflow.db'}", "SHOP_LEDGER": str(data / "ledger.txt")}
    return serving.environment(told | {"DJANGO_SETTINGS_MODULE": "shop.settings"}, "SHOP")


def wait_for_steps(process: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + serving.PATIENCE
    while not (data / "ledger.txt").is_file():
        assert process.poll() is None
        assert time.monotonic() < deadline, "no step ever ran"
        time.sleep(0.05)


def test_the_worker_command_loads_djangos_apps_before_the_steps(built: Built, tmp_path: Path) -> None:
    folder = shutil.copytree(built("django"), tmp_path / "app")
    steps = folder / "shop" / "steps.py"
    steps.write_text(steps.read_text("utf-8").replace("import asyncio\n", f"import asyncio\n{NEEDS_APPS}", 1), "utf-8")
    done = serving.build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    environment = settings(tmp_path)

    subprocess.run([sys.executable, "-c", PLACE], cwd=folder, env=environment, check=True)
    with running(["-m", "workflow_runtime", "worker", "shop._workflow"], folder, environment) as worker:
        wait_for_steps(worker, tmp_path)


def test_under_wsgi_the_first_request_starts_the_worker_whichever_it_is(built: Built, tmp_path: Path) -> None:
    with serving.listening() as listener:
        url = serving.address(listener)
    command = ["-m", "gunicorn", f"--bind={url.removeprefix('http://')}", "--threads=2", "shop.wsgi:application"]

    with running(command, built("django"), settings(tmp_path)) as server:
        deadline = time.monotonic() + serving.PATIENCE
        while True:
            try:
                answer = httpx.post(f"{url}/orders", json={"id": "o1"}, timeout=30)
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline, "the server never listened"
                time.sleep(0.05)

        assert answer.status_code == 202
        wait_for_steps(server, tmp_path)
