"""A worker's own little HTTP server, for those who watch over it: GET of a few paths, and nothing else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TypeAlias

from workflow_runtime.errors import WorkflowError
from workflow_runtime.http import HttpResponse
from workflow_runtime.logs import runtime_logger
from workflow_runtime.worker_options import Address

logger = runtime_logger("health")

Answer: TypeAlias = Callable[[], Awaitable[HttpResponse]]
HEAD_LIMIT = 16 * 1024
"""Bytes that a request may have."""
PATIENCE = 10.0
"""Seconds that a request may take, its answer included."""
CONNECTIONS = 64
"""How many may be open at once; for one more, the oldest is closed."""


@asynccontextmanager
async def serving(address: Address, answers: Mapping[str, Answer]) -> AsyncIterator[Address]:
    """Answer GET of these paths while the context is open; gives where. Raises ``WorkflowError`` when it can not listen there."""
    open_ones: deque[asyncio.Task[None]] = deque()

    def closed(task: asyncio.Task[None]) -> None:
        with suppress(ValueError):  # or it had to go
            open_ones.remove(task)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_connection(reader, writer, answers), name="workflow health")
        open_ones.append(task)
        task.add_done_callback(closed)
        if len(open_ones) > CONNECTIONS:  # those who say nothing must not keep out those who watch
            open_ones.popleft().cancel()

    try:
        server = await asyncio.start_server(connected, address.host, address.port, limit=HEAD_LIMIT)
    except OSError as error:
        raise WorkflowError(f"nothing can listen on {address}: {error.strerror or error}") from error
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield Address(host, port)
    finally:
        server.close()
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)


async def _connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: Mapping[str, Answer]
) -> None:
    gone = (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
    try:
        with suppress(*gone):  # or whoever asks is no watcher
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
                writer.write(_text(await _answer(method, rest.partition(b" ")[0], answers), method != b"HEAD"))
                writer.close()
                await writer.wait_closed()
    finally:
        writer.transport.abort()  # what nobody has read by now stays unread


async def _answer(method: bytes, target: bytes, answers: Mapping[str, Answer]) -> HttpResponse:
    answer = answers.get(target.partition(b"?")[0].decode("latin-1"))
    if answer is None:
        return HttpResponse(404)
    if method not in (b"GET", b"HEAD"):
        return HttpResponse(405, {"allow": "GET, HEAD"})
    try:
        return await answer()
    except Exception:  # a watcher is told, and the log says why
        logger.exception("%s was asked and can not be answered", target.decode("latin-1"))
        return HttpResponse(500)


def _text(response: HttpResponse, with_body: bool) -> bytes:
    headers = {**response.headers, "content-length": str(len(response.body)), "connection": "close"}
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (response.body if with_body else b"")
