"""A front before a Postgres server that has no TLS of its own: it answers a client's request for TLS, and passes the rest on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator

_WANTS_TLS = bytes.fromhex("0000000804d2162f")  # the SSLRequest of Postgres's protocol


@contextlib.contextmanager
def tls_front(context: ssl.SSLContext, port: int) -> Iterator[int]:
    """The port of such a front before what listens at ``port``; connections without TLS are closed."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    ready = threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        server = await asyncio.start_server(
            lambda reader, writer: _pass_on(reader, writer, context, port), "127.0.0.1", 0
        )
        async with server:
            ports.append(server.sockets[0].getsockname()[1])
            ready.set()
            await over.wait()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield ports[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, port: int
) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
        if await reader.readexactly(len(_WANTS_TLS)) != _WANTS_TLS:
            return
        writer.write(b"S")
        await writer.drain()
        await writer.start_tls(context)
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
