"""Restate: its server, the service behind hypercorn, and this client of the server's HTTP ingress. RESTATE_SERVER is the binary."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import restate
from meter import Flows, rows, serve

service = restate.Service("bench")


async def noop(value: Any) -> Any:
    """The least that a step can do."""
    return value


@service.handler()
async def in_a_row(ctx: restate.Context, count: int) -> int:
    for number in range(count):
        await ctx.run_typed(f"s{number}", noop, value=number)
    return count


@service.handler()
async def at_once(ctx: restate.Context, count: int) -> int:
    await restate.gather(*[ctx.run_typed(f"s{number}", noop, value=number) for number in range(count)])
    return count


@service.handler()
async def race(ctx: restate.Context, count: int) -> int:
    done = await restate.select(
        **{f"s{number}": ctx.run_typed(f"s{number}", noop, value=number) for number in range(count)}
    )
    return int(done[1])


@service.handler()
async def payload_in_a_row(ctx: restate.Context, params: dict[str, Any]) -> int:
    data = params["data"]
    for number in range(params["count"]):
        data = await ctx.run_typed(f"s{number}", noop, value=data)
    return len(data)


@service.handler()
async def payload_at_once(ctx: restate.Context, params: dict[str, Any]) -> int:
    steps = [ctx.run_typed(f"s{number}", noop, value=params["data"]) for number in range(params["count"])]
    await restate.gather(*steps)
    return len(steps)


app = restate.app(services=[service])


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def main(folder: Path) -> None:
    """Start the server and the service, register, serve the rows."""
    import httpx

    ingress, admin, node, endpoint = (free_port() for _ in range(4))
    environment = {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{node}",
        "RESTATE_BIND_IP": "127.0.0.1",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_LOG_FILTER": "error",
    }
    binary = os.environ["RESTATE_SERVER"]
    log = (folder / "log").open("wb")
    server = [binary, "--no-logo", "--base-dir", str(folder / "data"), "--node-name", "bench"]
    served = [sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{endpoint}", "--log-level", "error"]
    processes = [
        subprocess.Popen(server, env=environment, stdout=log, stderr=log, start_new_session=True),
        subprocess.Popen(
            [*served, "restate_program:app"], cwd=Path(__file__).parent, stdout=log, stderr=log, start_new_session=True
        ),
    ]
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    try:
        async with httpx.AsyncClient(timeout=120, limits=limits) as client:
            await ready(client, f"http://127.0.0.1:{admin}", f"http://127.0.0.1:{endpoint}")

            async def run(handler: str, body: object) -> Any:
                answer = await client.post(f"http://127.0.0.1:{ingress}/bench/{handler}", json=body)
                answer.raise_for_status()
                return answer.json()

            flows = Flows(
                lambda count: run("in_a_row", count),
                lambda count: run("at_once", count),
                lambda count: run("race", count),
                lambda count, data: run("payload_in_a_row", {"count": count, "data": data}),
                lambda count, data: run("payload_at_once", {"count": count, "data": data}),
            )
            about = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
            await serve({"version": f"{version('restate-sdk')}, {about}"}, rows(flows))
    finally:
        for process in processes:  # hypercorn has a worker below it
            os.killpg(process.pid, signal.SIGKILL)


async def ready(client: Any, admin: str, endpoint: str) -> None:
    """Return once the server knows the service."""
    import httpx

    for _ in range(150):
        try:
            await client.get(f"{endpoint}/discover")
            if (await client.post(f"{admin}/deployments", json={"uri": endpoint})).is_success:
                await asyncio.sleep(1)
                return
        except httpx.TransportError:
            await asyncio.sleep(0.2)
    raise SystemExit("Restate's server did not take the service")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        asyncio.run(main(Path(made)))
