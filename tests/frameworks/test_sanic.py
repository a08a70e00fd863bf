"""What Sanic's router and streams do in their own way, and what the handler makes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import serving
from tests.frameworks.conftest import Built

START = """
import asyncio
from sanic import Sanic
from shop._workflow.sanic import PREFIX, blueprint

app = Sanic("other")
app.blueprint(blueprint, url_prefix="/<tenant:str>")

async def ask(method, path, events, headers=()):
    sent, lifespan = [], asyncio.Queue()
    started = asyncio.Event()

    async def told(message):
        started.set()

    life = asyncio.create_task(app({"type": "lifespan"}, lifespan.get, told))
    await lifespan.put({"type": "lifespan.startup"})
    await started.wait()

    async def receive():
        return events.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": list(headers), "scheme": "http", "server": ("localhost", 80),
             "client": ("127.0.0.1", 1)}
    await app(scope, receive, send)
    await lifespan.put({"type": "lifespan.shutdown"})
    await life
    print(sent[0]["status"])
"""
CUT_OFF = """
events = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"}]
asyncio.run(ask("POST", f"/acme{PREFIX}/flow", events, [(b"content-length", b"10")]))
"""
UNKNOWN_METHOD = """
events = [{"type": "http.request", "body": b""}]
asyncio.run(ask("PROPFIND", f"/acme{PREFIX}/webhook/t", events))
"""
WHOLE = """
events = [{"type": "http.request", "body": b"", "more_body": False}]
asyncio.run(ask("GET", f"/acme{PREFIX}/health", events))
"""


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param(CUT_OFF, "400", id="a body that is cut off is refused"),
        pytest.param(UNKNOWN_METHOD, "405", id="a method that the router does not know is refused"),
        pytest.param(WHOLE, "200", id="a prefix may have parameters and the worker runs"),
    ],
)
def test_the_handler_answers(script: str, status: str, built: Built, tmp_path: Path) -> None:
    environment = serving.environment({"WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'runs.db'}"}, "SHOP")

    done = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=built("sanic"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout.splitlines()[-1:], done.returncode) == ([status], 0), done.stderr
