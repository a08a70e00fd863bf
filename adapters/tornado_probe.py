"""One in-process request to a Tornado app, which speaks neither ASGI nor WSGI: its connection is played."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from workflow_build.adapters.probe import Answer

if TYPE_CHECKING:
    from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

HOST = re.compile(r"[\w.:-]+|\[[\w.:]+\](:\d+)?")


def get(app: Any, path: str, host: str | None = None) -> Answer:
    """Send ``GET path`` through the app's rules and the handler that they lead to. Raises what the app raises."""
    return asyncio.run(_get(app, path, host))


def request(method: str, path: str, host: str | None = None) -> HTTPServerRequest:
    """A request as rules are asked about it. Raises ``HTTPInputError`` for what is no host."""
    from tornado.httputil import HTTPServerRequest

    line, headers = _head(method, path, host)
    played: Any = Connection()
    return HTTPServerRequest(start_line=line, headers=headers, connection=played)


async def _get(app: Any, path: str, host: str | None) -> Answer:
    connection = Connection()
    delegate = app.start_request(object(), connection)
    waiting = delegate.headers_received(*_head("GET", path, host))
    if waiting is not None:
        await waiting
    delegate.finish()
    return await connection.answer


def _head(method: str, path: str, host: str | None) -> tuple[RequestStartLine, HTTPHeaders]:
    from tornado.httputil import HTTPHeaders, HTTPInputError, RequestStartLine

    if host is not None and not HOST.fullmatch(host):
        raise HTTPInputError(f"{host} is a pattern for many hosts")
    return RequestStartLine(method, path, "HTTP/1.1"), HTTPHeaders({"Host": host or "localhost"})


class Connection:
    """The part of ``tornado.httputil.HTTPConnection`` that handlers use; it keeps the head of what is sent."""

    context = None

    def __init__(self) -> None:
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def answer(self) -> asyncio.Future[Answer]:
        """What the app answers, as soon as it does."""
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    def set_close_callback(self, callback: object) -> None:
        """A connection that stays open."""

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> asyncio.Future[None]:
        """The answer begins."""
        if not self.answer.done():
            self.answer.set_result(Answer(start_line.code, {name.lower(): value for name, value in headers.items()}))
        return self.write(chunk)

    def write(self, chunk: bytes | None) -> asyncio.Future[None]:
        """More of a body, which is not looked at."""
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def finish(self) -> None:
        """The answer ends; one that never began is none."""
        if not self.answer.done():
            self.answer.set_exception(RuntimeError("the app ended without an answer"))
