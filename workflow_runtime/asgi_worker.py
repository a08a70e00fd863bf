"""The worker's life in that of an ASGI server, for frameworks that know no lifespan."""

from __future__ import annotations

import asyncio

from workflow_runtime.asgi import AsgiApp, Message, Receive, Send
from workflow_runtime.bridge import Bridge


class AsgiWorker:
    """``app`` as it is, with the bridge's worker started before its first request and stopped after its last."""

    def __init__(self, app: AsgiApp, bridge: Bridge) -> None:
        """``app`` is one that answers no lifespan events, as Django's."""
        self.app = app
        self._bridge = bridge

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer the server's lifespan events, and hand on all else."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        await receive()
        try:
            await asyncio.to_thread(self._bridge.start)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": f"the worker did not start: {error}"})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(self._bridge.stop)
        await send({"type": "lifespan.shutdown.complete"})
