"""What Falcon's sinks and streams do in their own way, and what the handler makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import serving
from tests.frameworks.conftest import Built

START = """
import asyncio
import falcon.asgi
from falcon import testing
from shop._workflow.falcon import PREFIX, mount

app = falcon.asgi.App()
mount(app, "/{tenant}")
"""
CUT_OFF = """
async def main():
    events = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        return events.pop(0)

    async def send(message):
        sent.append(message)

    headers = {"content-length": "10"}
    scope = testing.create_scope(path=f"/acme{PREFIX}/flow", method="POST", headers=headers)
    await app(scope, receive, send)
    print(sent[0]["status"])

asyncio.run(main())
"""
WEBSOCKET = """
async def main():
    async with testing.ASGIConductor(app) as conductor:
        try:
            async with conductor.simulate_ws(f"/acme{PREFIX}/webhook/t1"):
                print("open")
        except falcon.WebSocketPathNotFound:
            print("refused")

asyncio.run(main())
"""
PREFIXED = """
client = testing.TestClient(app)
print(client.simulate_get(f"/acme{PREFIX}/health").headers["x-workflow-build"] != "",
      client.simulate_request("PROPFIND", f"/acme{PREFIX}/webhook/t1").status_code,
      client.simulate_get(f"/acme{PREFIX}/webhook/t1/more").json["title"])
"""


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        pytest.param(CUT_OFF, "400", id="a body that is cut off is refused"),
        pytest.param(WEBSOCKET, "refused", id="a websocket is no webhook"),
        pytest.param(PREFIXED, "True 404 404 Not Found", id="a prefix may have fields"),
    ],
)
def test_the_handler_answers(script: str, printed: str, built: Built, tmp_path: Path) -> None:
    environment = serving.environment({"WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'runs.db'}"}, "SHOP")

    done = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=built("falcon"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == (printed, 0), done.stderr
