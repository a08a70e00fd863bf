"""What the handler for Litestar promises beyond the shop: Litestar's own guards leave it alone, and its router may be put anywhere."""

from __future__ import annotations

import json
import subprocess
import sys

from tests import serving
from tests.frameworks.conftest import Built

ASK = """
import asyncio, json, sys, httpx
from litestar import Litestar, Router, post
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import NotAuthorizedException
from litestar.middleware import AbstractAuthenticationMiddleware, DefineMiddleware
from shop._workflow.litestar import mount, router, service

class Nobody(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection):
        raise NotAuthorizedException

@post("/orders")
async def orders() -> None: ...

async def main(prefix, app):
    found = {}
    async with app.lifespan(), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        for method, path in (("POST", "flow"), ("GET", "health"), ("PROPFIND", "webhook/nobody"), ("PUT", "webhook/")):
            url = f"{prefix}/.well-known/workflow/v1/{path}"
            found[path] = (await client.request(method, url, content=b"{}")).status_code
        found["orders"] = (await client.post("/orders")).status_code
    print(json.dumps(found))

guarded = {"csrf_config": CSRFConfig("secret" * 6), "middleware": [DefineMiddleware(Nobody)]}
if sys.argv[1] == "guarded":
    asyncio.run(main("", Litestar([orders], on_app_init=[mount], **guarded)))
else:
    below = Router("/api", route_handlers=[router])
    asyncio.run(main("/api", Litestar([orders, below], lifespan=[service.lifespan])))
"""


def statuses(built: Built, app: str) -> dict[str, int]:
    """What requests to such an app, which is served in a process of its own, are answered with."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, app],
        cwd=built("litestar"),
        env=serving.environment({"WORKFLOW_WORLD": "memory://"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_authentication_and_csrf_of_the_app_let_queues_and_webhooks_through(built: Built) -> None:
    found = statuses(built, "guarded")

    assert found == {"flow": 403, "health": 200, "webhook/nobody": 404, "webhook/": 404, "orders": 401}


def test_the_router_works_under_a_prefix_with_the_lifespan_beside_it(built: Built) -> None:
    found = statuses(built, "prefixed")

    assert found == {"flow": 403, "health": 200, "webhook/nobody": 404, "webhook/": 404, "orders": 201}
