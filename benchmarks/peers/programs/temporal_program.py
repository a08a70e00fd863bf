"""Temporal's development server with a file, and a worker in this process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

import temporal_flows as flows
from meter import Flows, rows, serve
from temporalio.client import Client
from temporalio.worker import Worker

BINARY = Path(sys.executable).with_name("temporal")


def free_port() -> str:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


async def connected(port: str) -> Client:
    """A client, once the server answers."""
    for _ in range(150):
        try:
            return await Client.connect(f"127.0.0.1:{port}")
        except RuntimeError:
            await asyncio.sleep(0.2)
    raise SystemExit("Temporal's server did not answer")


async def main(folder: Path) -> None:
    """Start the server and a worker, serve the rows."""
    port = free_port()
    ports = ["--ip", "127.0.0.1", "--port", port, "--http-port", free_port(), "--metrics-port", free_port()]
    command = [str(BINARY), "server", "start-dev", "--headless", *ports, "--log-level", "error"]
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [*command, "--db-filename", str(folder / "temporal.db")], env=environment, stdout=log, stderr=log
    )
    try:
        client = await connected(port)
        await asyncio.sleep(2)

        async def run(workflow: Any, *args: object) -> Any:
            return await client.execute_workflow(workflow.run, args=[*args], id=uuid.uuid4().hex, task_queue="bench")

        offered = Flows(
            lambda count: run(flows.InARow, count),
            lambda count: run(flows.AtOnce, count),
            lambda count: run(flows.Race, count),
            lambda count, data: run(flows.PayloadInARow, count, data),
            lambda count, data: run(flows.PayloadAtOnce, count, data),
        )
        about = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        async with Worker(client, task_queue="bench", workflows=flows.WORKFLOWS, activities=[flows.noop, flows.echo]):
            await serve({"version": f"{version('temporalio')}, {about}"}, rows(offered))
    finally:
        server.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        asyncio.run(main(Path(made)))
