"""workflow-build behind a web framework: its usual server in a process of its own, runs started over HTTP, the answer is the run's result.

The first argument names the framework, WORKFLOW_WORLD the storage.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
from meter import LONGEST, PAYLOAD, Flows, rows, serve
from ours import SOURCE

FLOWS = "from measured_flows.flows import at_once, in_a_row, payload_at_once, payload_in_a_row, race"
CHOICE = """
FLOWS = {flow.__name__: flow for flow in (in_a_row, at_once, race, payload_in_a_row, payload_at_once)}


async def run(flow, args):
    await (await start(FLOWS[flow], *args)).result()
    return {"done": flow}
"""
APPS = {
    "fastapi": f"""
from fastapi import FastAPI, Request
{FLOWS}
from measured_flows._workflow.fastapi import mount
from workflow_runtime import start
{CHOICE}

app = FastAPI()
mount(app)


@app.post("/runs/{{flow}}")
async def post(flow: str, request: Request):
    return await run(flow, await request.json())
""",
    "litestar": f"""
from litestar import Litestar, Request, post
{FLOWS}
from measured_flows._workflow.litestar import mount
from workflow_runtime import start
{CHOICE}

@post("/runs/{{flow:str}}")
async def post_run(flow: str, request: Request) -> dict[str, str]:
    return await run(flow, await request.json())


app = Litestar([post_run], on_app_init=[mount])
""",
    "aiohttp": f"""
from aiohttp import web
{FLOWS}
from measured_flows._workflow.aiohttp import mount
from workflow_runtime import start
{CHOICE}

async def post(request):
    return web.json_response(await run(request.match_info["flow"], await request.json()))


def create_app(argv=None):
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/runs/{{flow}}", post)
    mount(app)
    return app
""",
    "flask": f"""
from flask import Flask, request
{FLOWS}
from measured_flows._workflow.flask import mount
from workflow_runtime import run_sync, start
{CHOICE}

app = Flask(__name__)
mount(app)


@app.post("/runs/<flow>")
def post(flow):
    return run_sync(run(flow, request.get_json()))
""",
    "django": f"""
import json

import django
from django.conf import settings

settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="measured_flows.main", MIDDLEWARE=[])
django.setup()

from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import include, path
{FLOWS}
from measured_flows._workflow.django import mount
from workflow_runtime import start
{CHOICE}

async def post(request, flow):
    return JsonResponse(await run(flow, json.loads(request.body)))


urlpatterns = [path("runs/<flow>", post), path("", include("measured_flows._workflow.django"))]
app = mount(get_asgi_application())
""",
}
UVICORN = ("uvicorn", "measured_flows.main:app", "--log-level", "warning", "--port", "{port}")
SERVERS = {
    "fastapi": UVICORN,
    "litestar": UVICORN,
    "django": UVICORN,
    "aiohttp": ("aiohttp.web", "--hostname", "127.0.0.1", "--port", "{port}", "measured_flows.main:create_app"),
    "flask": ("waitress", "--threads=32", "--listen=127.0.0.1:{port}", "measured_flows.main:app"),
}


def built(folder: Path, framework: str) -> None:
    """A project with the workflows and the app, built."""
    package = folder / "measured_flows"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "flows.py").write_text(SOURCE, "utf-8")
    (package / "main.py").write_text(APPS[framework], "utf-8")
    (package / "serving.py").write_text(
        "def app():\n    from measured_flows.main import app\n\n    return app\n", "utf-8"
    )
    (folder / "pyproject.toml").write_text('[project]\nname = "measured_flows"\nversion = "1"\n', "utf-8")
    command = [sys.executable, "-m", "workflow_build", "-q", "--target", framework, "--no-routes"]
    subprocess.run(command, cwd=folder, check=True)


async def main(folder: Path, framework: str) -> None:
    """Start the server, serve the rows."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[framework])], cwd=folder, stdout=sys.stderr
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=LONGEST) as client:

            async def run(flow: str, *args: object) -> Any:
                answer = await client.post(f"/runs/{flow}", json=args)
                answer.raise_for_status()

            await ready(run)
            offered = Flows(
                lambda count: run("in_a_row", count),
                lambda count: run("at_once", count),
                lambda count: run("race", count),
                lambda count, _: run("payload_in_a_row", count, PAYLOAD),
                lambda count, _: run("payload_at_once", count, PAYLOAD),
            )
            await serve({"version": f"{framework} {version(framework)}"}, rows(offered))
    finally:
        server.terminate()
        server.wait(20)


async def ready(run: Any) -> None:
    """Return once a run has ended."""
    for _ in range(150):
        try:
            await run("in_a_row", 1)
        except httpx.TransportError:
            await asyncio.sleep(0.2)
        else:
            return
    raise SystemExit("the server does not answer")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        built(Path(made), sys.argv[1])
        asyncio.run(main(Path(made), sys.argv[1]))
