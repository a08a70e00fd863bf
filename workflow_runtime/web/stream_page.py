"""A run's streams: text joined as it came, chunks one by one for those who ask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from workflow_runtime.chunks import json_text
from workflow_runtime.errors import SerializationError
from workflow_runtime.seeing.payloads import shortened, show, visible
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.worlds.base import World

FIRST = 2000
"""Chunks that a page begins with: the last ones."""
ONE_BY_ONE = 200
"""Chunks that are shown one by one."""
CHARACTERS = 200_000
"""Of text that a page begins with: the last ones."""
_LINE = 400


async def streams_page(world: World, view: RunView, query: Mapping[str, str]) -> dict[str, Any]:
    """What the template of the streams shows: their names, and one of them."""
    streams = await world.list_streams(view.id)
    wanted = query.get("name", streams[0].name if streams else "")
    info = next((stream for stream in streams if stream.name == wanted), None)
    entries = [
        {
            "name": visible(stream.name) or "(no name)",
            "quoted": quote(stream.name, safe=""),
            "length": stream.length,
            "closed": stream.closed,
            "current": info is stream,
        }
        for stream in streams
    ]
    return {"entries": entries, "shown": None if info is None else await _shown(world, view.id, info.name, query)}


async def _shown(world: World, run_id: str, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    one_by_one = query.get("chunks") == "1"
    limit = ONE_BY_ONE if one_by_one else FIRST
    total = next((one.length for one in await world.list_streams(run_id) if one.name == name), 0)
    page = await world.read_chunks(run_id, name, max(0, total - limit), limit=limit)
    texts = [chunk_text(chunk) for chunk in page.chunks]
    joined = "".join(text for _, text in texts)
    return {
        "name": visible(name),
        "quoted": quote(name, safe=""),
        "one_by_one": one_by_one,
        "chunks": [(page.start + at, kind, shortened(text, _LINE)) for at, (kind, text) in enumerate(texts)],
        "text": joined[-CHARACTERS:],
        "skipped": page.start,
        "next": page.start + len(page.chunks),
        "closed": page.closed,
    }


def chunk_text(chunk: bytes) -> tuple[str, str]:
    """What kind of chunk it is, and its text: text as it is but for characters that could do something, anything else on a line of its own."""
    if chunk[:1] == b"\x00":
        body = chunk[1:]
        try:
            return "bytes", visible(body.decode("utf-8"), lines=True)
        except UnicodeDecodeError:
            return "bytes", f"{body[:200].hex(' ')}\n"
    try:
        value = json.loads(json_text(chunk, "chunk"))
    except (SerializationError, ValueError):
        return "?", "(a chunk that this version can not read)\n"
    if isinstance(value, str):
        return "text", visible(value, lines=True)
    return "value", f"{show(value, limit=4000).text}\n"


async def news(world: World, run_id: str, name: str, start: int) -> tuple[Sequence[list[Any]], int, bool]:
    """Chunks from index ``start`` on, as the page's script takes them, where to go on, and whether the stream has ended."""
    page = await world.read_chunks(run_id, name, start, limit=500)
    told = [[page.start + at, *chunk_text(chunk)] for at, chunk in enumerate(page.chunks)]
    return told, (page.start + len(page.chunks)) if page.chunks else start, page.closed
