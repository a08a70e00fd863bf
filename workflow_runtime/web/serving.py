"""The page as a server of its own, for ``python -m workflow_runtime web``."""

from __future__ import annotations

from importlib.util import find_spec

from workflow_runtime.errors import WorkflowError
from workflow_runtime.process import process_world, world_url
from workflow_runtime.web.app import WebApp
from workflow_runtime.web.guard import Gate, checked_token, is_loopback
from workflow_runtime.worlds.urls import shown_url

_SHUTDOWN_SECONDS = 1


def checked_gate(host: str, token: str) -> Gate:
    """The gate for a server on that host. Raises ``WorkflowError`` for one that others could reach without a token, and when there is no server."""
    if not token and not is_loopback(host):
        raise WorkflowError(
            f"on {host} others can reach the page, which shows all payloads and cancels runs: set WORKFLOW_WEB_TOKEN to a secret, or leave --host out"
        )
    if not find_spec("uvicorn"):
        raise WorkflowError(
            "the page needs a server: pip install 'workflow-build[web]', which is uvicorn; or look at it in your own app, with WORKFLOW_WEB=1"
        )
    return Gate(checked_token(token) if token else None)


async def serve(host: str, port: int, gate: Gate) -> None:
    """Serve the page of the process's world, which is open, until interrupted."""
    import uvicorn  # only this command needs it

    app = WebApp(process_world, shown_url(world_url()), gate)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="off",
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    shown = f"[{host}]" if ":" in host else host
    print(f"runs of {shown_url(world_url())} on http://{shown}:{port}/  Ctrl-C stops it", flush=True)
    await uvicorn.Server(config).serve()
