"""Sync apps and their server's processes: the worker's thread comes along to each, and ends with it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import serving
from tests.frameworks.conftest import Built
from tests.frameworks.shop import PATIENCE, Shop, open_shop
from tests.frameworks.targets import Server, target

GUNICORN = ("{python}", "-m", "gunicorn", "--bind=127.0.0.1:{port}", "--threads=4")
FORKED = """
import os, sys, time
from shop.main import create_app
from workflow_runtime import WorldError, run_sync, start
from shop.orders import checkout

client = create_app().test_client()
ledger = os.environ["SHOP_LEDGER"]
open(ledger, "w").close()

def order(name):
    assert client.post("/orders", json={"id": name}).status_code == 202
    while f"end charge {name}" not in open(ledger).read():
        time.sleep(0.02)

order("before")
child = os.fork()
if child == 0:
    assert client.get("/.well-known/workflow/v1/health").status_code == 503
    try:
        run_sync(start(checkout, "child"))
    except WorldError as error:
        print(error, flush=True)
    sys.exit(0)
order("after")
sys.exit(os.waitpid(child, 0)[1])
"""

pytestmark = pytest.mark.timeout(180)


@contextmanager
def gunicorn(built: Built, place: Path, *arguments: str) -> Iterator[Shop]:
    """The Flask shop on gunicorn."""
    server = Server("gunicorn", (*GUNICORN, *arguments))
    with open_shop(target("flask"), server, built("flask"), place / "data") as shop:
        yield shop


def test_processes_forked_from_one_that_has_the_app_get_their_own_worker(built: Built, tmp_path: Path) -> None:
    with gunicorn(built, tmp_path, "--preload", "--workers=2", "shop.main:create_app()") as shop:
        runs = {f"o{n}": shop.place(f"o{n}") for n in range(4)}
        for order, run_id in runs.items():
            assert [shop.call(order, method, "").status_code for method in ("PUT", "PROPFIND")] == [202, 202]
            assert shop.wait(run_id)["shipped"] == f"shipped {order}"


def test_a_process_forked_from_one_with_a_worker_says_why_it_can_have_none_and_harms_nobody(
    built: Built, tmp_path: Path
) -> None:
    settings = {"WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'runs.db'}", "SHOP_LEDGER": str(tmp_path / "ledger.txt")}

    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED],
        cwd=built("flask"),
        env=serving.environment(settings, "SHOP"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert done.returncode == 0, done.stderr
    assert "was forked from process" in done.stdout
    assert f"which has {tmp_path / 'runs.db'} open" in done.stdout
    assert "--preload" in done.stdout
    assert "the worker could not start" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_is_asked_to_stop_lets_its_steps_end(built: Built, tmp_path: Path) -> None:
    with gunicorn(built, tmp_path, "shop.main:create_app()") as shop:
        shop.place("o1")
        deadline = time.monotonic() + PATIENCE
        while "begin charge o1" not in shop.ledger():
            assert time.monotonic() < deadline, shop.log()
        assert shop.process
        shop.process.terminate()
        shop.process.wait(PATIENCE)

        assert {"end charge o1", "end reserve o1"} <= set(shop.ledger())
        assert "Traceback" not in shop.log()
        shop.start()
        assert shop.call("o1", "PUT", "").status_code == 202
        assert shop.ledger().count("begin charge o1") == 1, "what ended was recorded"
