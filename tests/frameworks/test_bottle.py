"""What Bottle's mounts and bodies do in their own way, and what the handler makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import serving
from tests.frameworks.conftest import Built

START = """
import time
import bottle
from werkzeug.test import Client
from shop._workflow.bottle import PREFIX, bridge, mount

def finished(client, prefix):
    run = client.post(f"{prefix}/orders", json={"id": "o1"}).json["run"]
    while client.open(f"{prefix}{PREFIX}/webhook/bank-o1", method="PUT", data=b"one").status_code == 404:
        time.sleep(0.02)
    client.open(f"{prefix}{PREFIX}/webhook/bank-o1", method="PROPFIND", data=b"two")
    while (shown := client.get(f"{prefix}/orders/{run}").json)["status"] in ("pending", "running"):
        time.sleep(0.02)
    return shown["result"]["answers"]
"""
MOUNTED = """
import shop.main
app = bottle.Bottle()
app.mount("/shop/", shop.main.app)
client = Client(app)
assert client.get("/elsewhere").status_code == 404
assert bridge._life is None
client.get("/shop/orders/wrun_00000000000000000000000000")
assert bridge._life is not None, "a route of the mounted app starts the worker"
print(finished(client, "/shop"))
"""
READ_BEFORE = """
import shop.main
shop.main.app.add_hook("before_request", lambda: bottle.request.body.read())
print(finished(Client(shop.main.app), ""))
"""
DEFAULT_APP = """
mount(bottle.default_app())

@bottle.get("/<rest:path>")
def page(rest):
    return rest

client = Client(bottle.default_app())
print(client.get("/a/b").text, client.get(f"{PREFIX}/webhook/t").status_code,
      client.open(f"{PREFIX}/webhook/t", method="PROPFIND").status_code, client.get(f"{PREFIX}/health").status_code)
"""


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        pytest.param(MOUNTED, "['PUT one', 'PROPFIND two']", id="an app in another app runs its worker"),
        pytest.param(READ_BEFORE, "['PUT one', 'PROPFIND two']", id="a hook may read the body before"),
        pytest.param(DEFAULT_APP, "a/b 404 404 200", id="the default app is an app"),
    ],
)
def test_the_handler_answers(script: str, printed: str, built: Built, tmp_path: Path) -> None:
    environment = serving.environment({"WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'runs.db'}"}, "SHOP")

    done = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=built("bottle"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout.strip(), done.returncode) == (printed, 0), done.stderr
